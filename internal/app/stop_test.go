package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/test/await"
)

// serving is an App of a Prometheus configuration, not yet run.
func serving(t *testing.T) *App {
	t.Helper()
	dir := t.TempDir()
	a, err := New(Options{Listen: "127.0.0.1:0", DataDir: filepath.Join(dir, "data"), ConfigFile: write(t, dir, "prometheus.yml", "")})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// inTime demands that something ends.
func inTime(t *testing.T, what string, do func()) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		do()
	}()
	soon(t, what, ended)
}

func TestStopEndsARunningAppAndWaits(t *testing.T) {
	port := freePort(t)
	r := launch(t, Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Applications: []*application.Application{button(t, "clicks", port)}})
	inTime(t, "Stop", r.Stop)
	heldNothing(t, r.App, port)
	soon(t, "Run returns", r.ended)
	if r.err != nil {
		t.Errorf("Run says %v", r.err)
	}
}

func TestStopFromManySidesIsOneStop(t *testing.T) {
	a := serving(t)
	r := run(t, a)
	soon(t, "ready", a.Ready())
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(a.Stop)
		callers.Go(func() { a.Close() })
	}
	inTime(t, "all stops", callers.Wait)
	heldNothing(t, a)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestStopOfAnAppThatNeverRanGivesItUp(t *testing.T) {
	a := serving(t)
	inTime(t, "Stop", a.Stop)
	heldNothing(t, a)
	if err := a.Run(context.Background()); err != nil {
		t.Errorf("Run after Stop says %v, want nothing: it was stopped as asked", err)
	}
}

func TestCloseWithoutRunGivesUpEverythingOnce(t *testing.T) {
	port := freePort(t)
	a, err := New(Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Applications: []*application.Application{button(t, "clicks", port)}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	heldNothing(t, a, port)
	if err := a.Run(context.Background()); err == nil || err.Error() != "already run or closed" {
		t.Errorf("Run after Close says %v", err)
	}
}

func TestCloseOfARunningAppDoesNothing(t *testing.T) {
	a := serving(t)
	r := run(t, a)
	soon(t, "ready", a.Ready())
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	r.get("/-/ready")
	if _, err := New(Options{Listen: "127.0.0.1:0", DataDir: a.options.DataDir, ConfigFile: a.options.ConfigFile}); err == nil {
		t.Error("the data directory was given up under the running one")
	}
}

func TestAnAppRunsOnce(t *testing.T) {
	a := serving(t)
	r := run(t, a)
	soon(t, "ready", a.Ready())
	if err := a.Run(context.Background()); err == nil {
		t.Error("it ran twice")
	}
	r.get("/-/ready")
}

func TestAnAppWhoseContextIsOverBeforeItRunsEnds(t *testing.T) {
	port := freePort(t)
	a, err := New(Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Applications: []*application.Application{button(t, "clicks", port)}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	inTime(t, "Run", func() {
		if err := a.Run(ctx); err != nil {
			t.Errorf("Run says %v", err)
		}
	})
	heldNothing(t, a, port)
}

func TestWorkersThatNeverServeDoNotKeepItFromEnding(t *testing.T) {
	app := parse(t, `apiVersion: truecount/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  command: [sh, -c, "echo no database >&2; exit 3"]
  workers: {metrics: {sockets: {}}}
`)
	// The shell may take long to start and to end: it must not count as a program that lives.
	a, err := New(Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Applications: app, readyAfter: notified})
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, a)
	await.True(t, "the page shows why the worker died", func() bool {
		_, body, err := r.send(http.MethodGet, r.URL()+"/api/v1/query?query=truecount_supervise_workers_waiting")
		return err == nil && strings.Contains(body, `"1"]`)
	})
	select {
	case <-a.Ready():
		t.Error("it says that it is ready")
	default:
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestOpenPagesDoNotKeepItFromEnding(t *testing.T) {
	a := serving(t)
	r := run(t, a)
	soon(t, "ready", a.Ready())
	connection, err := net.Dial("tcp", a.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := connection.Write([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n")); err != nil { // and never the rest
		t.Fatal(err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestAnOpenLiveStreamEndsInOrder(t *testing.T) {
	r := launch(t, Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), AnyApplicationPort: true,
		Applications: []*application.Application{button(t, "clicks", freePort(t))}})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // without a limit: it lasts as long as the App
	response, err := client.Get(r.URL() + "/api/truecount/v1/live")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, response.Body)
		read <- err
	}()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if err := soon(t, "the stream ends", read); err != nil {
		t.Errorf("the stream was cut off: %v", err)
	}
}

func TestALongWaitIsSpokenOfUntilItIsOver(t *testing.T) {
	for _, c := range []struct {
		name   string
		waited time.Duration
		want   []string
	}{
		{"a short one is not", tellEvery - time.Second, nil},
		{"a long one is, again and again", 2*tellEvery + time.Second, []string{"for=10s data=d", "for=20s data=d"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				done := tellWhileWaiting(slog.New(slog.NewTextHandler(&log, nil)), "still opening the database", "data", "d")
				<-time.After(c.waited)
				done()
				<-time.After(10 * tellEvery)
				lines := strings.Split(log.String(), "\n")
				if len(lines)-1 != len(c.want) {
					t.Fatalf("told:\n%s", log.String())
				}
				for i, want := range c.want {
					if !strings.Contains(lines[i], `level=WARN msg="still opening the database" `+want) {
						t.Errorf("told %q, want %q", lines[i], want)
					}
				}
			})
		})
	}
}
