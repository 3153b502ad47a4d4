package app

import (
	"cmp"
	"slices"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/supervise"
)

// forked lists the workers of a replica that run and that the program itself has started, by pid. Nobody tells of them but
// their metrics; a pid that is not, or no more, a process of the program is left out.
func (s *service) forked(replica supervise.Replica) []merge.Worker {
	merger := s.merger(replica.Name)
	if merger == nil || s.application.Spec.Workers.Manager != application.ManagerProgram {
		return nil
	}
	var list []merge.Worker
	for _, w := range merger.Workers() {
		if isForked(replica, w.PID) && !slices.ContainsFunc(list, func(l merge.Worker) bool { return l.PID == w.PID }) {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, func(a, b merge.Worker) int { return cmp.Compare(a.PID, b.PID) })
	return list
}

// isForked says whether a process runs that one of the replica's has started.
func isForked(replica supervise.Replica, pid int) bool {
	return replica.Has(pid) && !slices.ContainsFunc(replica.Workers, func(w supervise.Worker) bool { return w.PID == pid })
}

// mostCounted is the forked worker that has counted most, so that there is something to see when it is killed; 0 if there
// is none. Those that have ended are passed over.
func (s *service) mostCounted(ended map[int]bool) (pid int) {
	if s.group == nil {
		return 0
	}
	most := 0.0
	counts := s.group.Counter(s.application.StripMetric()).Workers
	for _, replica := range s.workers.Snapshot().Replicas {
		for _, w := range s.forked(replica) {
			value := 0.0
			for _, c := range counts {
				if c.PID == w.PID {
					value = c.Value
				}
			}
			if !ended[w.PID] && (pid == 0 || value > most) {
				pid, most = w.PID, value
			}
		}
	}
	return pid
}
