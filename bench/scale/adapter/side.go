package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/truecount/truecount/bench/internal/up"
	"github.com/truecount/truecount/test/process"
)

// side is one of the two adapters. Both take the same command line.
type side struct{ name, program string }

// world is what an adapter stands between.
type world struct {
	cluster    *cluster
	prometheus *prometheus
	dir        string
	started    int  // adapters, for their directories
	profiling  bool // they serve profiles
}

// adapter is one that runs.
type adapter struct {
	side
	process *process.Process
	began   time.Time // before exec
	front   *front
}

// loadRules is the tutorial's rule; relistRules discover all series of the relist.
const (
	loadRules = `rules:
  - seriesQuery: demo_app_button_clicks_total
    resources: {template: "<<.Resource>>"}
    name: {matches: "^(.*)_total", as: "${1}_per_second"}
    metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
`
	relistRules = `rules:
  - seriesQuery: '{__name__=~"^shop_.*_total",namespace!="",pod!=""}'
    resources: {template: "<<.Resource>>"}
    name: {matches: "^(.*)_total", as: "${1}_per_second"}
    metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
`
	relistMetric = "shop_operation_00_per_second"
)

// start starts an adapter. It is up when listed says so.
func (w *world) start(s side, prometheus, rules string, relist time.Duration) (*adapter, error) {
	w.started++
	dir := filepath.Join(w.dir, "adapter-"+strconv.Itoa(w.started))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(rules), 0o600); err != nil {
		return nil, err
	}
	certificate, err := w.cluster.authority.Server("127.0.0.1")
	if err != nil {
		return nil, err
	}
	if err := certificate.Write(dir, "serving"); err != nil {
		return nil, err
	}
	port, err := up.FreePort()
	if err != nil {
		return nil, err
	}
	a := &adapter{side: s}
	if a.front, err = w.cluster.newFront(loopback(port)); err != nil {
		return nil, err
	}
	kubeconfig := w.cluster.kubeconfig
	a.began = time.Now()
	a.process, err = process.Start("adapter", dir, exec.Command(s.program,
		"--bind-address=127.0.0.1", "--secure-port="+strconv.Itoa(port),
		"--tls-cert-file="+filepath.Join(dir, "serving.crt"), "--tls-private-key-file="+filepath.Join(dir, "serving.key"),
		"--lister-kubeconfig="+kubeconfig, "--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig,
		"--prometheus-url="+prometheus, "--config="+config, "--metrics-relist-interval="+relist.String(), fmt.Sprintf("--profiling=%t", w.profiling)))
	return a, err
}

func (a *adapter) stop() {
	a.front.close()
	a.process.Stop(15 * time.Second)
}

// listed waits until discovery has the metric, and returns how long that took from exec.
func (a *adapter) listed(ctx context.Context, metric string) (time.Duration, error) {
	err := await(ctx, time.Minute, a.name, func() error {
		if err := endedEarly(a.process); err != nil {
			return permanent{err}
		}
		body, err := a.front.get(ctx, "/apis/custom.metrics.k8s.io/v1beta1")
		if err != nil {
			return err
		}
		var list struct{ Resources []struct{ Name string } }
		if err := json.Unmarshal(body, &list); err != nil {
			return err
		}
		for _, r := range list.Resources {
			if r.Name == "pods/"+metric {
				return nil
			}
		}
		return fmt.Errorf("pods/%s is not among %d resources", metric, len(list.Resources))
	})
	return time.Since(a.began), err
}
