package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall/eventlog"
)

const (
	leastPause = 50 * time.Millisecond
	mostPause  = time.Second
	logEvery   = 10 * time.Second
)

// patiently calls try until it succeeds, fails for good, or ctx ends; then the error is ErrUnavailable with the last one.
func (l *Log) patiently(ctx context.Context, what string, try func(context.Context) error) error {
	pause, logged := leastPause, time.Now().Add(time.Second-logEvery) // a hiccup is not worth a line
	for {
		err := try(ctx)
		if err == nil || final(err) {
			return hint(err)
		}
		if ctx.Err() != nil {
			return ended(ctx, err)
		}
		if time.Since(logged) >= logEvery {
			l.log.Warn("kafka does not answer, trying on", "operation", what, "topic", l.cfg.Topic, "error", err)
			logged = time.Now()
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, mostPause)
		case <-ctx.Done():
			return ended(ctx, err)
		}
	}
}

// ended gives the error of an operation that ctx ended: who gave up gets their own error, a limit of time ErrUnavailable.
func ended(ctx context.Context, last error) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w: %w", eventlog.ErrUnavailable, cause, last)
	}
	return cause
}

// final tells whether to try again would be in vain.
func final(err error) bool {
	for _, e := range []error{eventlog.ErrClosed, eventlog.ErrTrimmed, eventlog.ErrLost, errTopic, errTranslate} {
		if errors.Is(err, e) {
			return true
		}
	}
	return refused(err) || isDamage(err)
}

// refused tells an answer of the brokers that says no to this client.
func refused(err error) bool {
	if first := (*kgo.ErrFirstReadEOF)(nil); errors.As(err, &first) {
		return false // a broker that goes away looks the same
	}
	var e *kerr.Error
	return errors.As(err, &e) && slices.Contains([]*kerr.Error{kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism,
		kerr.IllegalSaslState, kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.TransactionalIDAuthorizationFailed, kerr.InvalidTopicException, kerr.PolicyViolation, kerr.InvalidConfig,
		kerr.InvalidReplicationFactor, kerr.InvalidPartitions, kerr.UnsupportedVersion}, e)
}

// hint says what to do about an answer that says no.
func hint(err error) error {
	var e *kerr.Error
	if !errors.As(err, &e) {
		return err
	}
	what := ""
	switch e {
	case kerr.SaslAuthenticationFailed, kerr.IllegalSaslState:
		what = "check the user and the password of log.sasl"
	case kerr.UnsupportedSaslMechanism:
		what = "the brokers do not offer the mechanism of log.sasl: choose one that they have enabled"
	case kerr.TopicAuthorizationFailed:
		what = "allow this user to describe, read and write the topic, and to create it if it does not exist"
	case kerr.GroupAuthorizationFailed:
		what = "allow this user to read with the group"
	case kerr.TransactionalIDAuthorizationFailed:
		what = "allow this user to write with the transactional id"
	case kerr.ClusterAuthorizationFailed:
		what = "allow this user to create topics, or create the topic yourself"
	case kerr.InvalidReplicationFactor:
		what = "the cluster has fewer brokers than the replication asked for"
	default:
		return err
	}
	return fmt.Errorf("%w: %s", err, what)
}
