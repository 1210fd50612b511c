package simtest

import (
	"slices"

	"rollcall"
)

// everythingElse stands in place of each value of the groups that are not leaders.
const everythingElse = "(everything else)"

// leaders gives the groups that come first over the whole range.
func (o *Oracle) leaders(q Query) (groups [][]string) {
	q.Grain, q.Fill, q.EverythingElse = rollcall.Total, false, false
	if len(q.Order) == 0 {
		q.Order = []string{"-" + q.Metrics[0]}
	}
	for _, row := range o.Answer(q) {
		var group []string
		for _, name := range q.GroupBy {
			group = append(group, row[name].(string))
		}
		groups = append(groups, group)
	}
	return groups
}

// named gives the group itself, or what stands for it when it is not a leader.
func (q *Query) named(group []string) []string {
	if !q.EverythingElse || q.rank(group) < len(q.leaders) {
		return group
	}
	return slices.Repeat([]string{everythingElse}, len(group))
}

// rank is the place of a leader; all others come behind them.
func (q *Query) rank(group []string) int {
	for i, leader := range q.leaders {
		if slices.Equal(leader, group) {
			return i
		}
	}
	return len(q.leaders)
}
