package acceptance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the truecount binary under test, built once.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "truecount-acceptance-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "truecount")
		build := exec.Command("go", "build", "-o", program, "../../cmd/truecount")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "build truecount:", err)
			return 1
		}
		return m.Run()
	}())
}

// demos are the applications of `truecount up`.
var demos = []string{"clicks", "dogwalk", "latency", "servicewindow"}

// patience bounds how long a test waits for what must come; it is no expectation of speed.
const patience = 90 * time.Second

// chain is a running `truecount up`.
type chain struct {
	t         *testing.T
	cmd       *exec.Cmd
	URL       string
	Addresses map[string]string
	log       *lockedBuffer
	exited    chan struct{}
	exitErr   error
}

// startUp starts `truecount up` on a free port and waits until it says that it is ready.
func startUp(t *testing.T, args ...string) *chain {
	t.Helper()
	return startUpWith(t, nil, args...)
}

// startUpWith does so with more in the environment.
func startUpWith(t *testing.T, env []string, args ...string) *chain {
	t.Helper()
	args = append([]string{"up", "--listen", "127.0.0.1:0"}, args...)
	c := &chain{t: t, cmd: exec.Command(program, args...), log: &lockedBuffer{}, Addresses: map[string]string{}, exited: make(chan struct{})}
	c.cmd.Stderr = c.log
	c.cmd.Dir = t.TempDir()
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("log of truecount:\n%s", c.log.tail(8000))
		}
	})
	lines := make(chan string, 16)
	go func() {
		scanner := bufio.NewScanner(stdout)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
		close(lines)
		c.exitErr = c.cmd.Wait()
		close(c.exited)
	}()
	c.awaitReady(lines)
	return c
}

// awaitReady reads "ready: URL" and the addresses of the demos.
func (c *chain) awaitReady(lines <-chan string) {
	c.t.Helper()
	deadline := time.After(patience)
	for c.URL == "" || len(c.Addresses) == 0 {
		select {
		case line, ok := <-lines:
			if !ok {
				c.t.Fatalf("truecount ended before it was ready:\n%s", c.log.tail(4000))
			}
			name, address, _ := strings.Cut(line, ": ")
			if name == "ready" {
				c.URL = address
			} else {
				c.Addresses[name] = address
			}
		case <-deadline:
			c.t.Fatalf("not ready in %v:\n%s", patience, c.log.tail(4000))
		}
	}
	// What else is announced follows at once.
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				return
			}
			if name, address, found := strings.Cut(line, ": "); found {
				c.Addresses[name] = address
			}
		case <-time.After(200 * time.Millisecond):
			go func() {
				for range lines { // nobody must wait for a reader
				}
			}()
			return
		}
	}
}

// stop sends a signal and waits for the end.
func (c *chain) stop(signal syscall.Signal) {
	c.t.Helper()
	select {
	case <-c.exited:
		return
	default:
	}
	c.cmd.Process.Signal(signal)
	select {
	case <-c.exited:
	case <-time.After(patience):
		c.cmd.Process.Kill()
		<-c.exited
		c.t.Errorf("truecount did not end in %v after %v", patience, signal)
	}
}

// get returns the body of an answer of 200.
func (c *chain) get(path string) []byte {
	c.t.Helper()
	body, status, err := fetch(c.URL + path)
	if err != nil || status != http.StatusOK {
		c.t.Fatalf("GET %s: status %d, %v: %s", path, status, err, body)
	}
	return body
}

func fetch(url string) (body []byte, status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return body, response.StatusCode, err
}

// click hits the button n times, each over a connection of its own so that all workers get some.
func (c *chain) click(n int) {
	c.t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for range n {
		response, err := client.Post(c.Addresses["clicks"]+"/click-button", "", nil)
		if err != nil {
			c.t.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			c.t.Fatalf("POST /click-button: %s", response.Status)
		}
	}
}

// application is what the first page shows of one application.
type application struct {
	Name  string
	Strip *struct {
		Metric    string
		Merged    struct{ Value *float64 }
		PerSecond struct{ Value *float64 }
		Naive     struct{ Value *float64 }
		Scale     *struct {
			Wanted, Running, Ready, Min, Max int
			Reason                           string
		}
	}
	Replicas []struct {
		Name, State string
		Ready       bool
		Workers     []struct {
			PID   int
			Up    bool
			State string
			Value *float64
		}
	}
}

func (c *chain) application(name string) application {
	c.t.Helper()
	var answer struct{ Applications []application }
	if err := json.Unmarshal(c.get("/api/truecount/v1/applications"), &answer); err != nil {
		c.t.Fatal(err)
	}
	for _, a := range answer.Applications {
		if a.Name == name {
			return a
		}
	}
	c.t.Fatalf("no application %s", name)
	return application{}
}

func (c *chain) merged() float64 {
	c.t.Helper()
	if v := c.application("clicks").Strip.Merged.Value; v != nil {
		return *v
	}
	return -1
}

// query asks PromQL and returns the first value; found is false for an empty answer.
func (c *chain) query(promql string) (value float64, found bool) {
	c.t.Helper()
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.Unmarshal(c.get("/api/v1/query?query="+url.QueryEscape(promql)), &answer); err != nil {
		c.t.Fatal(err)
	}
	if len(answer.Data.Result) == 0 {
		return 0, false
	}
	value, err := strconv.ParseFloat(answer.Data.Result[0].Value[1].(string), 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return value, true
}

// eventually polls until the condition holds; describe is asked for the failure.
func eventually(t *testing.T, within time.Duration, holds func() bool, describe func() string) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, describe())
		}
		<-tick.C
	}
}

// lockedBuffer takes a process' log while a test may read it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *lockedBuffer) tail(n int) string {
	s := b.String()
	return s[max(0, len(s)-n):]
}
