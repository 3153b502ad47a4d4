package supervise

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/truecount/truecount/test/await"
)

func TestTheSupervisorsMetricsTellWhatRuns(t *testing.T) {
	reg := prometheus.NewRegistry()
	opts := workerOptions(t, "serve")
	opts.Replicas, opts.Registerer = 2, reg
	service := run(t, opts)
	other := workerOptions(t, "serve")
	other.Name, other.Registerer, other.Replicas = "dogwalk", reg, 0
	run(t, other)
	service.untilReady(2)
	service.Scale(1)
	service.untilReady(1)
	if err := service.Kill(service.Snapshot().Replicas[0].Workers[0].PID); err != nil {
		t.Fatal(err)
	}
	await.True(t, "the metrics follow", func() bool {
		return testutil.GatherAndCompare(reg, strings.NewReader(wantMetrics), "truecount_supervise_replicas_desired",
			"truecount_supervise_replicas_ready", "truecount_supervise_workers", "truecount_supervise_worker_starts_total",
			"truecount_supervise_worker_exits_total") == nil
	})
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	service.stop()
	if n, err := testutil.GatherAndCount(reg, "truecount_supervise_workers"); err != nil || n != 1 {
		t.Errorf("%d services have metrics after one has ended, %v", n, err)
	}
}

const wantMetrics = `
# HELP truecount_supervise_replicas_desired Replicas last asked for.
# TYPE truecount_supervise_replicas_desired gauge
truecount_supervise_replicas_desired{application="clicks"} 1
truecount_supervise_replicas_desired{application="dogwalk"} 0
# HELP truecount_supervise_replicas_ready Replicas that serve.
# TYPE truecount_supervise_replicas_ready gauge
truecount_supervise_replicas_ready{application="clicks"} 1
truecount_supervise_replicas_ready{application="dogwalk"} 0
# HELP truecount_supervise_worker_exits_total Worker processes ended: killed or exited after they were ready, never_ready, drained as asked, or drain_timeout.
# TYPE truecount_supervise_worker_exits_total counter
truecount_supervise_worker_exits_total{application="clicks",reason="drain_timeout"} 0
truecount_supervise_worker_exits_total{application="clicks",reason="drained"} 2
truecount_supervise_worker_exits_total{application="clicks",reason="exited"} 0
truecount_supervise_worker_exits_total{application="clicks",reason="killed"} 1
truecount_supervise_worker_exits_total{application="clicks",reason="never_ready"} 0
truecount_supervise_worker_exits_total{application="dogwalk",reason="drain_timeout"} 0
truecount_supervise_worker_exits_total{application="dogwalk",reason="drained"} 0
truecount_supervise_worker_exits_total{application="dogwalk",reason="exited"} 0
truecount_supervise_worker_exits_total{application="dogwalk",reason="killed"} 0
truecount_supervise_worker_exits_total{application="dogwalk",reason="never_ready"} 0
# HELP truecount_supervise_worker_starts_total Worker processes started.
# TYPE truecount_supervise_worker_starts_total counter
truecount_supervise_worker_starts_total{application="clicks"} 5
truecount_supervise_worker_starts_total{application="dogwalk"} 0
# HELP truecount_supervise_workers Worker processes that run, draining ones included.
# TYPE truecount_supervise_workers gauge
truecount_supervise_workers{application="clicks"} 2
truecount_supervise_workers{application="dogwalk"} 0
`
