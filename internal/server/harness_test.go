package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/test/await"
)

// patience ends tests that hang; nothing is measured with it.
const patience = 90 * time.Second

// configuration copies a file of testdata to a folder of the test, with its .invalid:1 hosts replaced.
func configuration(t *testing.T, name string, replace ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(t.TempDir(), "prometheus.yml"), strings.NewReplacer(replace...).Replace(string(content)))
}

func write(t *testing.T, file, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	temporary := file + ".tmp"
	if err := os.WriteFile(temporary, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// target serves a /metrics text that the test may change.
type target struct {
	*httptest.Server
	mu   sync.Mutex
	text string
}

func newTarget(t *testing.T, text string) *target {
	tg := &target{text: text}
	tg.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tg.mu.Lock()
		defer tg.mu.Unlock()
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		io.WriteString(w, tg.text)
	}))
	t.Cleanup(tg.Close)
	return tg
}

func (tg *target) set(text string) {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	tg.text = text
}

func (tg *target) addr() string { return hostPort(tg.URL) }

func hostPort(u string) string { return strings.TrimPrefix(u, "http://") }

// instance is a server that runs, behind a real HTTP server.
type instance struct {
	*Server
	url  string
	stop func() // and wait; safe to call again
	log  *syncBuffer
}

// run starts a server on the configuration file and ends it with the test. The options may be changed before.
func run(t *testing.T, config string, change ...func(*Options)) *instance {
	t.Helper()
	in := &instance{log: &syncBuffer{}}
	opts := Options{
		ConfigFile: config, DataDir: t.TempDir(), DiscoveryInterval: 250 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(in.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&opts)
	}
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	front := httptest.NewServer(s.Handler())
	in.Server, in.url = s, front.URL
	in.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
		front.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	t.Cleanup(in.stop)
	select {
	case <-s.Ready():
	case err := <-ended:
		ended <- nil
		t.Fatalf("Run ended early: %v", err)
	case <-time.After(patience):
		t.Fatal("never ready")
	}
	return in
}

type syncBuffer struct {
	mu sync.Mutex
	strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.String()
}

// get returns status and body of a request for path?query.
func (in *instance) get(t *testing.T, path string, query ...string) (int, string) {
	t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		v.Add(query[i], query[i+1])
	}
	resp, err := http.Get(in.url + path + "?" + v.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// eventually asks again until the answer is as wanted, and returns it: a scrape that is not over after its 100 ms leaves a
// gap, which the next one ends.
func (in *instance) eventually(t *testing.T, wanted func(body string) bool, path string, query ...string) string {
	t.Helper()
	var body string
	defer func() {
		if t.Failed() {
			t.Logf("the last answer of %s %v: %s", path, query, body)
		}
	}()
	await.True(t, fmt.Sprintf("the wanted answer of %s %v", path, query), func() bool {
		var code int
		if code, body = in.get(t, path, query...); code != http.StatusOK {
			t.Fatalf("%s %v: %d %s", path, query, code, body)
		}
		return wanted(body)
	})
	return body
}

// api decodes the data of a successful answer of /api/v1.
func api[T any](t *testing.T, in *instance, path string, query ...string) T {
	t.Helper()
	var answer struct {
		Status, Error string
		Data          T
	}
	code, body := in.get(t, "/api/v1/"+path, query...)
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Status != "success" {
		t.Fatalf("/api/v1/%s: %d %s (%v)", path, code, body, err)
	}
	return answer.Data
}

type sample struct {
	Metric map[string]string
	Value  [2]any
}

// value returns the only sample's value of an instant query, or "" if there is not exactly one.
func (in *instance) value(t *testing.T, query string) string {
	t.Helper()
	data := api[struct{ Result []sample }](t, in, "query", "query", query)
	if len(data.Result) != 1 {
		return ""
	}
	return data.Result[0].Value[1].(string)
}

func (in *instance) eventuallyValue(t *testing.T, query, want string) {
	t.Helper()
	await.True(t, fmt.Sprintf("%s = %s", query, want), func() bool { return in.value(t, query) == want })
}
