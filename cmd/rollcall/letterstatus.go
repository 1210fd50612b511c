package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall/store"
)

// letterStatus is the quarantine's part of nodeStatus. It holds nothing of the records, which want a key.
type letterStatus struct {
	Total   int64               `json:"total"` // counted: of all that there are, at most the newest 100,000
	More    bool                `json:"more"`  // there are older ones than those counted
	Reasons []letterCountStatus `json:"reasons"`
}

type letterCountStatus struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// letterTally keeps the counts for a while: counting reads every record that it counts, and the status is asked for each second.
type letterTally struct {
	mu     sync.Mutex
	at     time.Time
	counts letterStatus
}

const letterTallyAge = 5 * time.Second

func (t *letterTally) status(ctx context.Context, s store.Letters) (letterStatus, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.at.IsZero() && time.Since(t.at) < letterTallyAge {
		return t.counts, nil
	}
	counts, err := s.CountLetters(ctx, countedLetters)
	if err != nil {
		return letterStatus{}, err
	}
	sum := letterStatus{Reasons: make([]letterCountStatus, 0, len(counts))}
	for _, c := range counts {
		sum.Total += c.Count
		sum.Reasons = append(sum.Reasons, letterCountStatus{c.Reason, c.Count})
	}
	sum.More = sum.Total == countedLetters
	t.at, t.counts = time.Now(), sum
	return sum, nil
}

func (s *letterStatus) line() string {
	total := humanize.Comma(s.Total)
	if s.More {
		total += " and more"
	}
	var reasons []string
	for _, r := range s.Reasons {
		reasons = append(reasons, fmt.Sprintf("%q %s", r.Reason, humanize.Comma(r.Count)))
	}
	if len(reasons) == 0 {
		return total
	}
	return total + ": " + strings.Join(reasons, ", ")
}
