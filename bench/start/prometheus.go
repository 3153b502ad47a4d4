package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/truecount/truecount/bench/internal/up"
)

// prometheus is the peer while it runs.
type prometheus struct {
	url     string
	cmd     *exec.Cmd
	started time.Time
	ended   chan struct{}
}

// withPeer runs Prometheus on the configuration that `up` wrote into data, with a database of its own.
func withPeer(ctx context.Context, program, data string, do func(*prometheus) error) error {
	dir, err := os.MkdirTemp("", "truecount-bench-prometheus-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	config, err := peerConfig(data)
	if err != nil {
		return err
	}
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
	p := &prometheus{url: "http://" + address, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, program, "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+address)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 30 * time.Second
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // that it was terminated is no error; that it ended too early is noticed
	}()
	if err = do(p); err != nil {
		content, _ := os.ReadFile(log.Name())
		err = fmt.Errorf("%w; the log of Prometheus:\n%s", err, content)
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	<-p.ended
	return err
}

// peerConfig copies the configuration beside the one of `up`, without the order of protocols, which a Prometheus before
// 2.49 refuses. The peer scrapes as it does by default.
func peerConfig(data string) (string, error) {
	content, err := os.ReadFile(filepath.Join(data, "prometheus.yml"))
	if err != nil {
		return "", err
	}
	var kept strings.Builder
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(strings.TrimSpace(line), "scrape_protocols: [") {
			kept.WriteString(line)
		}
	}
	name := filepath.Join(data, "prometheus-alone.yml")
	return name, os.WriteFile(name, []byte(kept.String()), 0o600)
}

// start measures until it is ready, and until it has a line to draw.
func (p *prometheus) start(ctx context.Context) (start, error) {
	client := &http.Client{Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	ready, err := up.Await(ctx, every, "Prometheus", func() (bool, error) {
		select {
		case <-p.ended:
			return false, errors.New("it has ended")
		default:
		}
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
