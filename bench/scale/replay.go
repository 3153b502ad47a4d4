package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/bench/internal/figures"
	"github.com/truecount/truecount/bench/internal/machine"
	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/replay"
	"github.com/truecount/truecount/internal/server"
)

const query = `sum by (pod) (rate(http_requests_total{namespace="shops"}[2m]))`

func measureReplay(ctx context.Context, out io.Writer, days, pods, trials int) error {
	dir, err := os.MkdirTemp("", "truecount-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	end := time.Now().Truncate(day)
	start := end.Add(-time.Duration(days) * day)
	data := filepath.Join(dir, "data")
	samples, err := writeHistory(ctx, data, start, days, pods)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "history: %d days, %d pods, %d samples, %s\n", days, pods, samples, figures.MiB(size(data)))
	return withServer(ctx, dir, data, func(url string) error {
		client, err := promapi.New(promapi.Options{URL: url})
		if err != nil {
			return err
		}
		defer client.Close()
		for _, c := range []struct {
			name    string
			target  string // of which kube-state-metrics has told, or not
			whatIfs int
		}{
			{"recorded and simulated, pods assumed", "unknown", 0},
			{"recorded and simulated, pods from kube-state-metrics", "shop", 0},
			{"the same and 4 what-ifs", "shop", 4},
		} {
			if err := measureOne(ctx, out, client, c.name, options(c.target, start, end, c.whatIfs), days, trials); err != nil {
				return err
			}
		}
		fmt.Fprintln(out, "load:", machine.Load())
		return nil
	})
}

// options are those of an autoscaler on requests per pod.
func options(target string, start, end time.Time, whatIfs int) replay.Options {
	spec := func(each string) autoscalingv2.HorizontalPodAutoscalerSpec {
		q, least := resource.MustParse(each), int32(2)
		return autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: target},
			MinReplicas:    &least, MaxReplicas: 40,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
				Metric: autoscalingv2.MetricIdentifier{Name: "requests"},
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &q},
			}}},
		}
	}
	o := replay.Options{Namespace: "shops", Name: "shop", Spec: spec("10"), Questions: []replay.Question{{Expr: query}}, From: start.Add(time.Hour), To: end.Add(-time.Minute)}
	for i := range whatIfs {
		o.WhatIfs = append(o.WhatIfs, replay.WhatIf{Name: fmt.Sprint(i), Spec: spec(fmt.Sprint(5 + 3*i))})
	}
	return o
}

func measureOne(ctx context.Context, out io.Writer, client *promapi.Client, name string, o replay.Options, days, trials int) error {
	var whole, waited, worked []time.Duration
	var report *replay.Report
	for range trials {
		runtime.GC()
		source := &stopwatch{client: client}
		began, before := time.Now(), cpuTime()
		var err error
		if report, err = replay.Run(ctx, source, o); err != nil {
			return err
		}
		whole, waited = append(whole, time.Since(began)), append(waited, source.waited)
		worked = append(worked, cpuTime()-before)
	}
	median := figures.Median(whole)
	fmt.Fprintf(out, "%s: %d syncs in %s, %s of it asking; %s a day, %.0f simulated days per second; processor time of the server and all %s a day; simulated up to %d replicas\n", name, report.Syncs,
		figures.Millis(median), figures.Percent(figures.Median(waited), median), figures.Millis(median/time.Duration(days)), float64(days)/median.Seconds(), figures.Millis(figures.Median(worked)/time.Duration(days)),
		report.Scenarios[1].Summary.Most)
	return nil
}

// stopwatch measures how long answers take.
type stopwatch struct {
	client *promapi.Client
	waited time.Duration
}

func (s *stopwatch) Query(ctx context.Context, expr string, at time.Time) ([]promapi.Sample, error) {
	defer s.since(time.Now())
	return s.client.Query(ctx, expr, at)
}

func (s *stopwatch) QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]promapi.Series, error) {
	defer s.since(time.Now())
	return s.client.QueryRange(ctx, expr, start, end, step)
}

func (s *stopwatch) Series(ctx context.Context, matchers []string, start, end time.Time, yield func(labels.Labels) error) error {
	defer s.since(time.Now())
	return s.client.Series(ctx, matchers, start, end, yield)
}

func (s *stopwatch) since(began time.Time) { s.waited += time.Since(began) }

// withServer runs the server of this program on the data.
func withServer(ctx context.Context, dir, data string, do func(url string) error) error {
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte("global: {scrape_interval: 1h}\n"), 0o600); err != nil {
		return err
	}
	s, err := server.New(server.Options{ConfigFile: config, DataDir: data, Retention: server.Retention{Time: 3650 * day}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		<-ended
		return err
	}
	front := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() { defer close(served); _ = front.Serve(listener) }()
	url := "http://" + listener.Addr().String()
	err = ready(ctx, url)
	if err == nil {
		err = do(url)
	}
	cancel()
	stopped := <-ended
	front.Close()
	<-served
	if err == nil {
		err = stopped
	}
	return err
}

func ready(ctx context.Context, url string) error {
	for {
		response, err := http.Get(url + "/-/ready")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// cpuTime is what this process has used so far. On a machine that is shared, it tells more than the clock.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
