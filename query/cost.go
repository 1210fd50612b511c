package query

import "fmt"

// TooCostly refuses a request before anything is read for it. The unit is entries: the cells and the members of user
// sets that answering would read.
type TooCostly struct {
	Estimate, Limit int64
	Hint            string // what would make it cheaper
}

func (e *TooCostly) Error() string {
	return fmt.Sprintf("the answer needs about %d cells and user-set entries, and %d are allowed: %s", e.Estimate, e.Limit, e.Hint)
}
