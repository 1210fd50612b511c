package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// slabs are the memory into which a reader has its records parsed. What is handed on are copies of them, so the next answer
// may overwrite them; the bytes that they point to are not reused.
type slabs struct {
	all  [][]kgo.Record
	used int
}

// GetRecords is asked for each batch of an answer.
func (s *slabs) GetRecords(n int) []kgo.Record {
	if s.used == len(s.all) {
		s.all = append(s.all, nil)
	}
	if cap(s.all[s.used]) < n {
		s.all[s.used] = make([]kgo.Record, n)
	}
	s.used++
	return s.all[s.used-1]
}

// PutRecords has nothing to do: the reader knows when its records were handed on.
func (s *slabs) PutRecords([]kgo.Record) {}
