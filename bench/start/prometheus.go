package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/truecount/truecount/bench/internal/up"
)

// prometheus is the peer while it runs.
type prometheus struct {
	url     string
	cmd     *exec.Cmd
	started time.Time
}

// withPeer runs Prometheus on the configuration that `up` wrote into data, with a database of its own.
func withPeer(ctx context.Context, program, data string, do func(*prometheus) error) error {
	dir, err := os.MkdirTemp("", "truecount-bench-prometheus-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	log, err := os.Create(filepath.Join(dir, "prometheus.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	port, err := up.FreePort()
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p := &prometheus{url: "http://" + address}
	p.cmd = exec.CommandContext(ctx, program, "--config.file="+filepath.Join(data, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+address)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 30 * time.Second
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return err
	}
	err = do(p)
	if signalled := p.cmd.Process.Signal(syscall.SIGTERM); signalled != nil {
		content, _ := os.ReadFile(log.Name()) // the reason that it has ended by itself
		err = errors.Join(err, fmt.Errorf("prometheus: %w:\n%s", signalled, content))
	}
	_ = p.cmd.Wait() // terminated as asked
	return err
}

// start measures until it is ready, and until it has a line to draw.
func (p *prometheus) start(ctx context.Context) (start, error) {
	client := &http.Client{Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	ready, err := up.Await(ctx, every, "Prometheus", func() (bool, error) {
		response, err := client.Get(p.url + "/-/ready")
		if err != nil {
			return false, nil // nothing listens yet
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK, nil
	})
	if err != nil {
		return start{}, err
	}
	chart, err := awaitChart(ctx, p.url)
	return start{ready.Sub(p.started), chart.Sub(p.started)}, err
}
