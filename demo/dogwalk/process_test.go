package dogwalk_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/truecount/truecount/demo/database/databasetest"
)

// output collects what a process and its children say.
type output struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.Write(p)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.String()
}

var serving = regexp.MustCompile(`"event":"serving".*?"address":"([^"]+)","metrics":"([^"]+)"`)

// startWorkers starts dogwalk as four processes and returns its address and those of its metrics.
func startWorkers(t *testing.T, env ...string) (url string, metrics []string, said *output, stop func()) {
	t.Helper()
	said = new(output)
	program := exec.Command(os.Args[0])
	program.Env = append(append(os.Environ(), asProgram+"=1", "PORT=0", "LOG_LEVEL=info", "WEB_CONCURRENCY=4", "TRUECOUNT_METRICS_DIR="+shortDir(t)), env...)
	program.Stderr = said
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		program.Process.Signal(syscall.SIGTERM)
		if err := program.Wait(); err != nil {
			t.Errorf("it ended with %v:\n%s", err, said.text())
		}
	})
	t.Cleanup(stop)
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		found := serving.FindAllStringSubmatch(said.text(), -1)
		if len(found) == 4 {
			for _, match := range found {
				url, metrics = "http://"+match[1], append(metrics, match[2])
			}
			return url, metrics, said, stop
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d of 4 workers serve:\n%s", len(found), said.text())
		}
	}
}

// shortDir is a folder whose name is short enough for unix sockets in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// walkDogs starts and completes walks from many visitors at once.
func walkDogs(t *testing.T, base string, visitors, walks int) {
	t.Helper()
	var wg sync.WaitGroup
	post := func(path string, form url.Values) string {
		answer, err := client.PostForm(base+path, form)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer answer.Body.Close()
		if body, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: status %d: %s", path, answer.StatusCode, body)
		}
		return strings.TrimPrefix(answer.Header.Get("Location"), "/?walk=")
	}
	for range visitors {
		wg.Go(func() {
			for range walks {
				id := post("/walks/start", url.Values{"dog": {"1"}, "walker": {"1"}})
				post("/walks/"+id+"/complete", url.Values{"distance": {"500"}})
			}
		})
	}
	wg.Wait()
}

// sum adds up a counter over all workers' metrics.
func sum(t *testing.T, endpoints []string, name string) (total float64) {
	t.Helper()
	for _, endpoint := range endpoints {
		answer, err := overSocket(strings.TrimPrefix(endpoint, "unix:")).Get("http://worker/metrics")
		if err != nil {
			t.Fatal(err)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(answer.Body)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		total += families[name].GetMetric()[0].GetCounter().GetValue()
	}
	return total
}

func TestFourWorkersShareOneSQLiteFileAndCountEveryWalkOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dogwalk.db")
	url, metrics, said, stop := startWorkers(t, "DATABASE_URL="+path)
	walkDogs(t, url, 8, 10)
	for _, name := range []string{"walks_started_total", "walks_completed_total"} {
		if got := sum(t, metrics, name); got != 80 {
			t.Errorf("%s is %v over all workers, want 80", name, got)
		}
	}
	stop()
	if strings.Contains(said.text(), `"level":"error"`) {
		t.Errorf("it said:\n%s", said.text())
	}
}

func TestFourWorkersUsePostgresByItsVariablesAndKeepThePassword(t *testing.T) {
	cluster := databasetest.Start(t)
	database := cluster.NewDatabase(t)
	url, metrics, said, stop := startWorkers(t, "DB_NAME="+database.Name, "DB_USER="+database.User,
		"DB_PASSWORD="+database.Password, "DB_HOST="+database.Host, "DB_PORT="+database.Port)
	walkDogs(t, url, 4, 5)
	if got := sum(t, metrics, "walks_completed_total"); got != 20 {
		t.Errorf("%v walks completed over all workers, want 20", got)
	}
	stop()
	if strings.Contains(said.text(), databasetest.Password) {
		t.Errorf("it said the password:\n%s", said.text())
	}
}

func TestAWrongPasswordIsAnErrorThatDoesNotShowIt(t *testing.T) {
	database := databasetest.Start(t).NewDatabase(t)
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), asProgram+"=1", "PORT=0", "DB_NAME="+database.Name, "DB_USER="+database.User,
		"DB_PASSWORD=wr0ng", "DB_HOST="+database.Host, "DB_PORT="+database.Port)
	out, err := program.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "password authentication failed") || strings.Contains(string(out), "wr0ng") {
		t.Errorf("%v: %s", err, out)
	}
}

// overSocket asks whoever listens on the unix socket.
func overSocket(path string) *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: time.Minute}
}
