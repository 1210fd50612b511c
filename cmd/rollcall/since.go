package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall"
	"rollcall/store"
)

// keyEarlier is the setting of a build that tells what sessions of before are made by. No configuration has it: only a rebuild from a
// day on does.
const keyEarlier = "earlier"

// earlierRule is what sessions are made by before a day.
type earlierRule struct {
	Until        string   `json:"until"` // the first day it does not hold for
	SessionGap   string   `json:"session_gap"`
	PassiveTypes []string `json:"passive_types,omitempty"`
}

func earlierText(rules []earlierRule) string {
	if len(rules) == 0 {
		return ""
	}
	body, _ := json.Marshal(rules) // texts only
	return string(body)
}

func earlierOf(text string) (rules []earlierRule, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &rules)
	}
	return rules, err
}

// rules gives what sessions of before are made by, in the days of a time zone.
func (c *Config) rules(calendar rollcall.Calendar) (rules []rollcall.Rule, err error) {
	for _, e := range c.Earlier {
		day, err := rollcall.ParseDate(e.Until)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", keyEarlier, err)
		}
		gap, err := time.ParseDuration(e.SessionGap)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", keyEarlier, err)
		}
		rules = append(rules, rollcall.Rule{Until: calendar.DayStart(day), Gap: gap, Passive: e.PassiveTypes})
	}
	return rules, nil
}

// earlierShown tells rules to people.
func earlierShown(rules []earlierRule) string {
	var parts []string
	for _, r := range rules {
		gap := r.SessionGap
		if d, err := time.ParseDuration(gap); err == nil {
			gap = formatDuration(d)
		}
		part := "session_gap " + gap
		if len(r.PassiveTypes) > 0 {
			part += " and passive_types " + strings.Join(r.PassiveTypes, ",")
		}
		parts = append(parts, part+" before "+r.Until)
	}
	return strings.Join(parts, ", ")
}

// sessionKeys are the settings that a rebuild may change from a day on.
var sessionKeys = [...]string{"session_gap", "passive_types"}

// from has what is wanted hold from a day on, and for the days before what holds in the active build; without a day, for all days,
// unless the rebuild is for something else.
func (c *Config) from(day string, active *store.Build) error {
	was := *c
	if err := adopt(&was, active); err != nil {
		return err
	}
	changes := differing(c, active)
	ofSessions := func(key string) bool { return slices.Contains(sessionKeys[:], key) }
	c.Earlier = was.Earlier
	if day == "" {
		if slices.ContainsFunc(changes, ofSessions) {
			c.Earlier = nil
		}
		return nil
	}
	if at := slices.IndexFunc(changes, func(key string) bool { return !ofSessions(key) }); at >= 0 {
		return usageError(fmt.Sprintf("since: session_gap and passive_types can hold from a day on, and %s is the same for all days: leave --since out", changes[at]))
	}
	before := earlierRule{day, was.SessionGap.String(), was.PassiveTypes}
	c.Earlier = nil
	for _, e := range was.Earlier {
		if e.Until >= day {
			before.SessionGap, before.PassiveTypes = e.SessionGap, e.PassiveTypes
			break
		}
		c.Earlier = append(c.Earlier, e)
	}
	if before.SessionGap == c.SessionGap.String() && slices.Equal(before.PassiveTypes, c.PassiveTypes) {
		return usageError(fmt.Sprintf("since: nothing is to change from %s on: give another --session-gap or --passive-types, or repair days with --days", day))
	}
	c.Earlier = append(c.Earlier, before)
	return nil
}
