package simtest

import "pgregory.net/rapid"

// Dice is a source of choices: *rand.Rand is one, and rapid is one that can shrink them.
type Dice interface {
	// Intn gives a number in [0, n).
	Intn(n int) int
}

// Rapid takes choices from a rapid test.
func Rapid(t *rapid.T) Dice { return rapidDice{t} }

type rapidDice struct{ t *rapid.T }

func (d rapidDice) Intn(n int) int { return rapid.IntRange(0, n-1).Draw(d.t, "roll") }

func pick[T any](d Dice, from ...T) T { return from[d.Intn(len(from))] }

// once in n times.
func once(d Dice, n int) bool { return d.Intn(n) == n-1 }
