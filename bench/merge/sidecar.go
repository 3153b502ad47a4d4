package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sidecar is a running truecount-sidecar with one connection to it, as Prometheus has.
type sidecar struct {
	url    string
	cmd    *exec.Cmd
	log    *bytes.Buffer
	client *http.Client
	body   bytes.Buffer
}

// startSidecar starts the program on a directory and returns when it says that it is ready.
func startSidecar(ctx context.Context, program, dir string, flags ...string) (*sidecar, error) {
	s := &sidecar{log: &bytes.Buffer{}}
	s.cmd = exec.CommandContext(ctx, program, append([]string{"--python-dir", dir, "--listen", "127.0.0.1:0"}, flags...)...)
	s.cmd.Stderr = s.log
	s.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 1}}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s ended before it was ready", program), s.stop())
	}
	s.url = strings.TrimSpace(strings.TrimPrefix(line, "ready: "))
	return s, nil
}

// ask makes a scrape and returns the status and the whole answer, which is valid until the next.
func (s *sidecar) ask(compressed bool) (status int, page []byte, took time.Duration, err error) {
	r, err := http.NewRequest(http.MethodGet, s.url, nil)
	if err != nil {
		return 0, nil, 0, err
	}
	r.Header.Set("Accept", "text/plain;version=0.0.4")
	if compressed {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	start := time.Now()
	answer, err := s.client.Do(r)
	if err != nil {
		return 0, nil, 0, err
	}
	defer answer.Body.Close()
	s.body.Reset()
	if _, err := s.body.ReadFrom(answer.Body); err != nil {
		return 0, nil, 0, err
	}
	took = time.Since(start)
	if got := answer.Header.Get("Content-Encoding") == "gzip"; got != compressed && answer.StatusCode == http.StatusOK {
		return 0, nil, 0, fmt.Errorf("the sidecar's answer is compressed: %v, want %v", got, compressed)
	}
	return answer.StatusCode, s.body.Bytes(), took, nil
}

// scrape makes a scrape that must succeed.
func (s *sidecar) scrape(compressed bool) (page []byte, took time.Duration, err error) {
	status, page, took, err := s.ask(compressed)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the sidecar answers %d: %s", status, page)
	}
	return page, took, err
}

// memory is what the kernel says of the process: bytes resident now and at most.
func (s *sidecar) memory() (now, peak int64, err error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[2] != "kB" {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return 0, 0, err
		}
		switch fields[0] {
		case "VmRSS:":
			now = kib << 10
		case "VmHWM:":
			peak = kib << 10
		}
	}
	return now, peak, nil
}

// stop ends the process as Kubernetes does.
func (s *sidecar) stop() error {
	s.client.CloseIdleConnections()
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself; Wait tells
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("truecount-sidecar: %w:\n%s", err, s.log)
	}
	return nil
}
