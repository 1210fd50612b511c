// Package querytest builds views of the store in memory, by brute force from plain facts, for the tests of what reads
// them. It shares no code with fold: every cell and set comes from going through all facts.
package querytest
