package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/truecount/truecount/bench/internal/up"
	"github.com/truecount/truecount/test/process"
)

// prometheus is the server that both adapters ask.
type prometheus struct {
	url     string
	program string
	process *process.Process
}

func startPrometheus(ctx context.Context, program, dir string, namespaces []population, others int) (*prometheus, error) {
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	if err := writeData(ctx, data, namespaces, others); err != nil {
		return nil, fmt.Errorf("writing what Prometheus knows: %w", err)
	}
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte("{}\n"), 0o600); err != nil {
		return nil, err
	}
	port, err := up.FreePort()
	if err != nil {
		return nil, err
	}
	p := &prometheus{url: "http://" + loopback(port), program: program}
	p.process, err = process.Start("prometheus", dir, exec.Command(program,
		"--config.file="+config, "--storage.tsdb.path="+data, "--web.listen-address="+loopback(port)))
	if err != nil {
		return nil, err
	}
	err = await(ctx, time.Minute, "Prometheus", func() error {
		if err := endedEarly(p.process); err != nil {
			return permanent{err}
		}
		_, err := p.get(ctx, "/-/ready")
		return err
	})
	if err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *prometheus) stop() { p.process.Stop(10 * time.Second) }

// version is the program's own first line: "prometheus, version 2.42.0+ds (…".
func (p *prometheus) version(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, p.program, "--version").Output()
	if err != nil {
		return "Prometheus"
	}
	first, _, _ := strings.Cut(string(out), " (")
	return strings.TrimSpace(first)
}

// handled is what the server says of its own work: how many requests it has answered, and in how much time.
type handled struct {
	requests int
	took     time.Duration
}

func (h handled) since(earlier handled) handled {
	return handled{h.requests - earlier.requests, h.took - earlier.took}
}

// handled reads it for one path of the API. Time includes sending, and so waiting for a client that reads slowly.
func (p *prometheus) handled(ctx context.Context, path string) (h handled, err error) {
	lines, err := p.get(ctx, "/metrics")
	if err != nil {
		return h, err
	}
	for _, line := range lines {
		name, text, _ := strings.Cut(line, " ")
		value, _ := strconv.ParseFloat(text, 64) // of a line that is none of these two it doesn't matter
		switch name {
		case `prometheus_http_request_duration_seconds_sum{handler="` + path + `"}`:
			h.took = time.Duration(value * float64(time.Second))
		case `prometheus_http_request_duration_seconds_count{handler="` + path + `"}`:
			h.requests = int(value)
		}
	}
	return h, nil
}

// get returns the lines of a page.
func (p *prometheus) get(ctx context.Context, path string) (lines []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	scanner := bufio.NewScanner(response.Body)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	return lines, scanner.Err()
}
