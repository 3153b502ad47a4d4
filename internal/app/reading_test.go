package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/test/await"
)

// Reading is so rare here that the only one after the workers were ready is the one that readiness waits for.
func TestReadyMeansThatTheWorkersHaveBeenRead(t *testing.T) {
	local := application.DefaultLocal()
	local.ReadInterval = application.Duration(time.Hour)
	r := launch(t, Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Local: local,
		Applications: []*application.Application{button(t, "clicks", freePort(t))}})
	for _, path := range []string{"/replicas/default/clicks-0/metrics", "/services/default/clicks/metrics"} {
		if page := r.get(path); !strings.Contains(page, "\ndemo_app_button_clicks_total 0\n") {
			t.Errorf("%s is without the count when the first page is announced:\n%s", path, page)
		}
	}
	if page := r.get("/replicas/default/clicks-0/metrics"); !strings.Contains(page, "\ntruecount_merge_workers{state=\"up\"} 2\n") {
		t.Errorf("not all workers that are ready have been read:\n%s", page)
	}
}

// A program that says nothing counts as ready once it has lived for a second: the pages fail before that and after it.
func TestMergedPagesFailUntilTheWorkersHaveBeenRead(t *testing.T) {
	a, err := New(Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), AnyApplicationPort: true, Applications: parse(t, `apiVersion: truecount/v1alpha1
kind: Application
metadata: {name: slow}
spec:
  command: [sleep, "3600"]
  port: 8000
  workers: {count: 2, metrics: {sockets: {}}}
`)})
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, a)
	r.pagesSayThatNothingWasRead()
	r.eventuallyValue(`up{job="slow", pod="slow-0"}`, "0")
	soon(t, "it is ready", a.Ready())
	r.pagesSayThatNothingWasRead()
}

func (r *running) pagesSayThatNothingWasRead() {
	r.t.Helper()
	for path, want := range map[string]string{
		"/replicas/default/slow-0/metrics": "no worker of slow-0 has been read yet",
		"/services/default/slow/metrics":   "no worker of slow has been read yet",
	} {
		await.True(r.t, path+" says why", func() bool {
			status, body, err := r.send(http.MethodGet, r.URL()+path)
			if err == nil && status == http.StatusOK {
				r.t.Fatalf("%s is empty and yet no failure:\n%s", path, body)
			}
			return err == nil && status == http.StatusServiceUnavailable && strings.Contains(body, want)
		})
	}
}
