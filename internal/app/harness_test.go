package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/test/await"
)

// patience ends tests that hang; nothing is measured with it.
const patience = 90 * time.Second

// notified is the readyAfter of workers that notify: nobody waits for it, and none counts as ready that has not begun.
const notified = time.Hour

// soon waits for something that must come.
func soon[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("not within %v: %s", patience, what)
		panic("unreachable")
	}
}

// parse reads an application file, whose command may be PROGRAM: this test binary as a worker of clicks.
func parse(t *testing.T, text string) []*application.Application {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text = strings.ReplaceAll(text, "PROGRAM", fmt.Sprintf("%q", program))
	file, err := application.Parse("truecount.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return file.Applications
}

// button is the demo clicks with two workers on a port.
func button(t *testing.T, name string, port int) *application.Application {
	t.Helper()
	return parse(t, `apiVersion: truecount/v1alpha1
kind: Application
metadata: {name: `+name+`}
spec:
  command: [PROGRAM]
  env: {`+workerVariable+`: "1"}
  port: `+strconv.Itoa(port)+`
  workers: {count: 2, metrics: {sockets: {}}}
`)[0]
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l := occupy(t, "127.0.0.1:0")
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// occupy listens on an address as another program would.
func occupy(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("%s is not free: %v", address, err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// running is an App that runs.
type running struct {
	*App
	t      *testing.T
	client *http.Client
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // of Run, after ended
}

// launch makes and runs an App, whose workers notify, and waits until it is ready; at the end of the test it is stopped.
func launch(t *testing.T, options Options) *running {
	t.Helper()
	options.readyAfter = notified
	a, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, a)
	select {
	case <-a.Ready():
	case <-r.ended:
		t.Fatalf("it ended before it was ready: %v", r.err)
	case <-time.After(patience):
		t.Fatalf("not ready within %v", patience)
	}
	return r
}

func run(t *testing.T, a *App) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{
		App: a, t: t, cancel: cancel, ended: make(chan struct{}),
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	go func() {
		defer close(r.ended)
		r.err = a.Run(ctx)
	}()
	t.Cleanup(func() {
		if err := r.stop(); err != nil && !t.Failed() {
			t.Errorf("run: %v", err)
		}
	})
	return r
}

// stop ends the App as Ctrl-C does and returns what Run returned; a failure is returned once.
func (r *running) stop() error {
	r.cancel()
	soon(r.t, "Run returns", r.ended)
	err := r.err
	r.err = nil
	return err
}

// send returns the status and the body of an answer.
func (r *running) send(method, url string) (int, string, error) {
	request, err := http.NewRequest(method, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// get demands an answer of 200.
func (r *running) get(path string) string {
	r.t.Helper()
	status, body, err := r.send(http.MethodGet, r.URL()+path)
	if err != nil || status != http.StatusOK {
		r.t.Fatalf("GET %s: %d %s %v", path, status, body, err)
	}
	return body
}

// click hits the button of an application a number of times.
func (r *running) click(name string, times int) {
	r.t.Helper()
	for range times {
		status, body, err := r.send(http.MethodPost, r.Addresses()[name]+"/click-button")
		if err != nil || status >= http.StatusBadRequest {
			r.t.Fatalf("click: %d %s %v", status, body, err)
		}
	}
}

// value asks the database; "" if it has nothing.
func (r *running) value(query string) string {
	r.t.Helper()
	_, body, err := r.send(http.MethodGet, r.URL()+"/api/v1/query?query="+url.QueryEscape(query))
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := errors.Join(err, json.Unmarshal([]byte(body), &answer)); err != nil {
		r.t.Fatalf("query %s: %v: %s", query, err, body)
	}
	if len(answer.Data.Result) == 0 {
		return ""
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}

func (r *running) eventuallyValue(query, want string) {
	r.t.Helper()
	last := ""
	defer func() { r.t.Logf("%s was %q in the end", query, last) }()
	await.True(r.t, query+" is "+want, func() bool {
		last = r.value(query)
		return last == want
	})
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
