package verify

import (
	"context"
	"math"

	"rollcall"
	"rollcall/record"
	"rollcall/store"
)

// readLimits reads which settings were in force where in each shard's log, and what retention has let go of under them.
func (r *run) readLimits(ctx context.Context) error {
	now := record.Limits{Minute: r.cfg.MinuteRetention.Milliseconds(), Hour: r.cfg.HourRetention.Milliseconds(), Late: r.cfg.LateHorizon.Milliseconds()}
	r.limits = make([][]record.Limits, len(r.head.Shards))
	r.gone = [2]int64{r.now - now.Minute, r.now - now.Hour}
	unknown := 0
	for i := range r.head.Shards {
		p := &r.head.Shards[i]
		chunks, err := r.view.State(ctx, store.StateKey{Shard: p.Shard, Kind: store.Limits})
		if err != nil {
			return err
		}
		var all []record.Limits
		for _, c := range chunks {
			some, err := record.ReadLimits(c.Data)
			if err != nil {
				return err
			}
			all = append(all, some...)
		}
		if len(all) == 0 {
			all = []record.Limits{now}
		}
		if p.Offset > 0 && (len(chunks) == 0 || all[0].From > 0) {
			unknown++
		}
		for i := range all[1:] {
			r.gone[0] = max(r.gone[0], all[i+1].At-all[i].Minute)
			r.gone[1] = max(r.gone[1], all[i+1].At-all[i].Hour)
		}
		r.limits[p.Shard] = all
	}
	if unknown > 0 {
		r.report.note("%d shards have events from before the store kept what retention and late_horizon were in force: those that came next are taken for theirs, and if they were others, hour and minute cells of then may differ without a fault", unknown)
	}
	return nil
}

// setLimits takes the settings that an offset is subject to. Offsets rise.
func (s *shard) setLimits(o rollcall.Offset) {
	all := s.limits[s.number]
	for s.inForce+1 < len(all) && all[s.inForce+1].From <= o {
		s.inForce++
		s.newestOf = math.MinInt64
	}
}

// force are the settings that the batch at hand is subject to.
func (s *shard) force() *record.Limits { return &s.limits[s.number][s.inForce] }
