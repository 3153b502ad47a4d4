package webconfig_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/contrib/webconfig"
	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	user     = "prometheus"
	password = "hunter2:s3cret"
)

// hash returns a bcrypt hash; cheap ones are enough where time is not the subject.
func hash(t testing.TB, password string, cost int) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

func users(t testing.TB) string {
	t.Helper()
	return "basic_auth_users:\n  " + user + ": " + hash(t, password, bcrypt.MinCost) + "\n"
}

func write(t testing.TB, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// written returns the name of a new file.
func written(t testing.TB, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "web.yml")
	write(t, file, content)
	return file
}

// logBuffer collects what is logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func newMetrics(t testing.TB) *instrument.Metrics {
	t.Helper()
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true})
	if err != nil {
		t.Fatal(err)
	}
	m.Counter(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."})
	return m
}

// guarded returns the metrics behind the file.
func guarded(t testing.TB, opts webconfig.Options, next http.Handler) http.Handler {
	t.Helper()
	web, err := webconfig.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	h, err := web.Handler(next)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask returns the status of a request with a user's password, or without if both are "".
func ask(h http.Handler, user, password string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/metrics", nil)
	if user != "" || password != "" {
		r.SetBasicAuth(user, password)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// noSecret checks that a text has nothing of the password, its hash or the header that carries it.
func noSecret(t testing.TB, what, text string) {
	t.Helper()
	for _, part := range []string{"hunter2", "s3cret", "$2a$", "$2y$", "aHVudGVyMjpzM2NyZXQ", "cHJvbWV0aGV1cz", "PRIVATE KEY"} {
		if strings.Contains(text, part) {
			t.Errorf("%s has %q in it: %s", what, part, text)
		}
	}
}
