package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// patience ends tests that hang; nothing is measured with it.
const patience = 60 * time.Second

// started is a sidecar that runs, as its command line says, until the test ends.
type started struct {
	url  string // of /metrics
	log  *strings.Builder
	stop func() error
}

func start(t *testing.T, args ...string) *started {
	t.Helper()
	s := &started{log: &strings.Builder{}}
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	command := (&flags{grace: patience}).command() // a busy machine takes its time for a large answer
	command.SetArgs(append(args, "--listen", "127.0.0.1:0"))
	command.SetOut(in)
	command.SetErr(s.log)
	ended := make(chan error, 1)
	go func() {
		err := command.ExecuteContext(ctx)
		in.CloseWithError(io.EOF)
		ended <- err
	}()
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			t.Fatal("it does not end")
			return nil
		}
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("it ended with %v", err)
		}
		if t.Failed() {
			t.Logf("its log:\n%s", s.log)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	url, isReady := strings.CutPrefix(strings.TrimSpace(line), "ready: ")
	if err != nil || !isReady {
		t.Fatalf("it said %q, %v: %v", line, err, s.stop())
	}
	s.url = url
	return s
}

// get returns the status and the body of an answer.
func get(t *testing.T, client *http.Client, url, user, password string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		request.SetBasicAuth(user, password)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// directory lays what a worker with Python's client has written.
func directory(t *testing.T, count func(w *pydirtest.Worker)) string {
	t.Helper()
	dir := t.TempDir()
	w := pydirtest.NewWorker(dir, "101", pydirtest.Since018)
	count(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}
