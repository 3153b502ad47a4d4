package acceptance

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/truecount/truecount/test/tool"
)

// startGunicorn runs `truecount up -f` with gunicorn, which forks three workers a replica that count with Python's client.
func startGunicorn(t *testing.T, replicas int) (c *chain, counts string) {
	t.Helper()
	tool.Need(t, "gunicorn")
	dir := t.TempDir()
	source, err := os.ReadFile(filepath.Join("testdata", "python", "app.py"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("app.py", string(source))
	file := write("truecount.yaml", fmt.Sprintf(`apiVersion: truecount/v1alpha1
kind: Application
metadata: {name: clicks}
spec:
  command: [gunicorn, "app:application"]
  dir: .
  env: {PYTHONDONTWRITEBYTECODE: "1"}
  port: %d
  workers: {count: 3, manager: program, metrics: {pythonDir: counts}}
  scale: {min: %d, max: %d}
  show: clicks_total
`, freePort(t), replicas, replicas))
	counts = filepath.Join(dir, "counts")
	if err := os.Mkdir(counts, 0o700); err != nil {
		t.Fatal(err)
	}
	write("counts/counter_1.db", "what an earlier run has left")
	c = startUp(t, "--data", filepath.Join(dir, "data"), "-f", file)
	return c, counts
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// hit sends requests until every one of as many workers has answered some, and returns how many were answered.
func (c *chain) hit(workers int) (clicks int) {
	c.t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answered := map[string]bool{}
	eventually(c.t, patience, func() bool {
		for range 20 {
			response, err := client.Post(c.Addresses["clicks"]+"/", "", nil)
			if err != nil {
				continue // of a worker that was just killed
			}
			pid, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err == nil && response.StatusCode == http.StatusOK {
				clicks++
				answered[string(pid)] = true
			}
		}
		return len(answered) >= workers
	}, func() string { return fmt.Sprintf("of %d workers, %v answer", workers, answered) })
	return clicks
}

// bars are the counts on the page by pid, for those that have any.
func (c *chain) bars() (values map[int]float64, sum float64) {
	values = map[int]float64{}
	for _, r := range c.application("clicks").Replicas {
		for _, w := range r.Workers {
			if w.Value != nil {
				values[w.PID] = *w.Value
				sum += *w.Value
			}
		}
	}
	return values, sum
}

func (c *chain) eventuallyMerged(want int) {
	c.t.Helper()
	eventually(c.t, patience, func() bool { return c.merged() == float64(want) },
		func() string { return fmt.Sprintf("the merged count is %v, want %d", c.merged(), want) })
}

func TestGunicornsWorkersAreOneCountOnTheFirstPage(t *testing.T) {
	t.Parallel()
	c, counts := startGunicorn(t, 1)
	clicks := c.hit(3)
	c.eventuallyMerged(clicks)
	values, sum := c.bars()
	if len(values) != 3 || sum != float64(clicks) {
		t.Errorf("the bars are %v, together %v; want 3 workers with %d", values, sum, clicks)
	}
	if files, err := filepath.Glob(filepath.Join(counts, "counter_*.db")); err != nil || len(files) != 3 {
		t.Errorf("the workers write to %v, %v", files, err)
	}
	eventually(t, patience, func() bool {
		v, found := c.query(`sum(clicks_total{pod="clicks-0"})`)
		return found && v == float64(clicks)
	},
		func() string { return "the count is not stored" })
	eventually(t, patience, func() bool {
		v, found := c.query(`naive:clicks_total`)
		return found && v < float64(clicks)
	}, func() string { return "a naive scrape sees all workers" })

	// The button kills one that gunicorn forked: its counts stand, and another one takes its place.
	body, err := post(c.URL+"/api/truecount/v1/applications/default/clicks/kill", `{"pid": 0}`)
	if err != nil {
		t.Fatal(err)
	}
	killed, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(strings.TrimSpace(body), `{"pid":`), "} "))
	if _, wasWorker := values[killed]; err != nil || !wasWorker {
		t.Fatalf("killed is %s, and the workers were %v", body, values)
	}
	eventually(t, patience, func() bool {
		now, _ := c.bars()
		_, still := now[killed]
		return len(now) == 3 && !still
	}, func() string {
		now, _ := c.bars()
		return fmt.Sprintf("%d was killed of %v, and the bars are %v", killed, values, now)
	})
	if got := c.merged(); got != float64(clicks) {
		t.Errorf("after the kill the merged count is %v, want %d", got, clicks)
	}
	clicks += c.hit(3)
	c.eventuallyMerged(clicks)

	// Any one of them can be chosen, and nobody else.
	values, _ = c.bars()
	for pid := range values {
		if _, err := post(c.URL+"/api/truecount/v1/applications/default/clicks/kill", fmt.Sprintf(`{"pid": %d}`, pid)); err != nil {
			t.Error(err)
		}
		break
	}
	if _, err := post(c.URL+"/api/truecount/v1/applications/default/clicks/kill", fmt.Sprintf(`{"pid": %d}`, os.Getpid())); err == nil {
		t.Fatal("this test was killed")
	}
	c.stop(syscall.SIGINT)
	if c.exitErr != nil {
		t.Errorf("it ended with %v", c.exitErr)
	}
	if left, err := os.ReadDir(counts); err != nil || len(left) > 0 {
		t.Errorf("after the end the directory has %v, %v", left, err)
	}
}

func TestReplicasOfGunicornHaveDirectoriesOfTheirOwn(t *testing.T) {
	t.Parallel()
	c, counts := startGunicorn(t, 2)
	clicks := c.hit(6)
	c.eventuallyMerged(clicks)
	values, sum := c.bars()
	if len(values) != 6 || sum != float64(clicks) {
		t.Errorf("the bars are %v, together %v; want 6 workers with %d", values, sum, clicks)
	}
	total := 0.0
	for _, replica := range []string{"clicks-0", "clicks-1"} {
		files, err := filepath.Glob(filepath.Join(counts, replica, "counter_*.db"))
		if err != nil || len(files) != 3 {
			t.Errorf("the workers of %s write to %v, %v", replica, files, err)
		}
		page := string(c.get("/replicas/default/" + replica + "/metrics"))
		at := slices.IndexFunc(strings.Split(page, "\n"), func(l string) bool { return strings.HasPrefix(l, "clicks_total ") })
		if at < 0 {
			t.Fatalf("%s has no count:\n%s", replica, page)
		}
		v, err := strconv.ParseFloat(strings.TrimPrefix(strings.Split(page, "\n")[at], "clicks_total "), 64)
		if err != nil || v == 0 || v >= float64(clicks) {
			t.Errorf("%s has %v of %d, %v", replica, v, clicks, err)
		}
		total += v
	}
	if total != float64(clicks) {
		t.Errorf("the replicas have %v together, want %d", total, clicks)
	}
}

func post(url, body string) (string, error) {
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, answer)
	}
	return string(answer), err
}
