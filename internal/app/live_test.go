package app

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/supervise"
)

func TestKillingAnyWorkerPassesOverOnesThatHaveJustEnded(t *testing.T) {
	began := time.Unix(1_800_000_000, 0)
	snapshot := supervise.Snapshot{Replicas: []supervise.Replica{
		{Workers: []supervise.Worker{
			{PID: 11, State: supervise.Ready, StartedAt: began.Add(2 * time.Second)},
			{PID: 12, State: supervise.Starting, StartedAt: began},
		}},
		{Workers: []supervise.Worker{{PID: 13, State: supervise.Ready, StartedAt: began.Add(time.Second)}}},
	}}
	for _, tt := range []struct {
		name  string
		ended []int
		tried []int
		want  int
	}{
		{"the oldest that serves", nil, []int{13}, 13},
		{"the oldest has ended", []int{13}, []int{13, 11}, 11},
		{"all have ended", []int{11, 13}, []int{13, 11}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var tried []int
			got := killAny(func(ended map[int]bool) int { return oldestWorker(snapshot, ended) }, func(pid int) error {
				tried = append(tried, pid)
				if slices.Contains(tt.ended, pid) {
					return errors.New("no such process")
				}
				return nil
			})
			if got != tt.want || !slices.Equal(tried, tt.tried) {
				t.Errorf("killed %d after trying %v, want %d after %v", got, tried, tt.want, tt.tried)
			}
		})
	}
}
