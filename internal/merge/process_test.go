package merge_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	instrumented "github.com/truecount/truecount/instrument/worker"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/test/await"
)

// Environment of the worker processes that this test binary starts from itself.
const (
	envWorkerProcess = "TRUECOUNT_MERGE_TEST_WORKER" // the unix socket on which it counts clicks
	envWorkerLife    = "TRUECOUNT_MERGE_TEST_LIFE"   // the label of what it counts
)

// workerProcess is a worker as users write them: a counter, a handler, instrument's Run.
func workerProcess() {
	go func() { // ends with the test, even if that is killed
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
	reg := prometheus.NewRegistry()
	clicks := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "clicks_total", Help: "Clicks.", ConstLabels: prometheus.Labels{"life": os.Getenv(envWorkerLife)}})
	reg.MustRegister(clicks)
	listener, err := net.Listen("unix", os.Getenv(envWorkerProcess))
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	err = instrumented.Run(context.Background(), instrumented.Options{
		Listener: listener,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			clicks.Inc()
			w.WriteHeader(http.StatusNoContent)
		}),
		MetricsHandler:  promhttp.HandlerFor(reg, promhttp.HandlerOpts{}),
		Logger:          slog.New(slog.DiscardHandler),
		OnReady:         func(net.Addr) { fmt.Println("ready") },
		HandoverTimeout: time.Minute, // on a busy machine; what is tested is that nothing is lost, not how fast
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// process is one life of a worker process.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	client *http.Client
	label  string
	acked  []time.Time // when each click was known to be counted
	sent   int
}

func startProcess(t *testing.T, metricsDir, appDir string, life int) *process {
	label := strconv.Itoa(life)
	socket := filepath.Join(appDir, label+".sock")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envWorkerProcess+"="+socket, envWorkerLife+"="+label,
		"TRUECOUNT_METRICS_DIR="+metricsDir, "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Error(err)
		return nil
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Error(err)
		return nil
	}
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return nil
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Errorf("worker said %q: %v", line, err)
	}
	return &process{cmd: cmd, stdin: stdin, label: label, client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}}}}
}

// click counts once, if the worker lives long enough to say so.
func (p *process) click() {
	p.sent++
	resp, err := p.client.Post("http://worker/", "", nil)
	if err != nil {
		return
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		p.acked = append(p.acked, time.Now())
	}
}

// clickFor clicks about every 10 ms.
func (p *process) clickFor(life time.Duration) {
	end := time.NewTimer(life)
	defer end.Stop()
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for {
		select {
		case <-end.C:
			return
		case <-pace.C:
			p.click()
		}
	}
}

func (p *process) end(s syscall.Signal, metricsDir string) {
	_ = p.cmd.Process.Signal(s)
	_ = p.cmd.Wait()
	p.stdin.Close()
	p.client.CloseIdleConnections()
	if s == syscall.SIGKILL { // as who runs workers does
		os.Remove(filepath.Join(metricsDir, strconv.Itoa(p.cmd.Process.Pid)+".sock"))
	}
}

// ledgerOfLives adds up what was acknowledged, and how much of it may be lost.
type ledgerOfLives struct {
	mu                        sync.Mutex
	lives                     map[string]lifeRecord
	kills, acked, atRisk, all int
	window                    time.Duration // longest time between the last good reading and a kill
}

type lifeRecord struct{ acked, safe, sent int }

func (l *ledgerOfLives) record(p *process, killed, lastRead time.Time, drained bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	safe := len(p.acked)
	if !drained {
		for safe > 0 && !p.acked[safe-1].Before(lastRead) {
			safe--
		}
		l.kills++
		l.acked += len(p.acked)
		l.atRisk += len(p.acked) - safe
		if !lastRead.IsZero() {
			l.window = max(l.window, killed.Sub(lastRead))
		}
	}
	l.all += len(p.acked)
	l.lives[p.label] = lifeRecord{acked: len(p.acked), safe: safe, sent: p.sent}
}

func lastRead(m *merge.Merger, pid int) time.Time {
	for _, w := range m.Workers() {
		if w.PID == pid {
			return w.LastRead
		}
	}
	return time.Time{}
}

// Every worker is a process of its own, and most of them are killed while they count. A tenth is ended properly.
// The kills and acknowledged clicks in killed workers are at least 1,000 and 10,000; a tenth with -short.
func TestM1KilledWorkersLoseNoMoreThanTheBoundAndCountersNeverGoDown(t *testing.T) {
	wantKills, wantAcked := 1000, 10_000
	if testing.Short() {
		wantKills, wantAcked = 100, 1000
	}
	const interval = 100 * time.Millisecond
	metricsDir, appDir := socketDir(t), socketDir(t)
	m := newMerger(t, merge.Options{Source: endpoints.Dir(metricsDir), Interval: interval, Limits: merge.Limits{Departed: 16}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	front := httptest.NewServer(m)
	watched := watch(t, ctx, front.URL, m)

	records := ledgerOfLives{lives: map[string]lifeRecord{}}
	var lives atomic.Int64
	var slots sync.WaitGroup
	for range 24 {
		slots.Go(func() {
			for !t.Failed() {
				records.mu.Lock()
				enough := records.kills >= wantKills && records.acked >= wantAcked
				records.mu.Unlock()
				if enough {
					return
				}
				life := int(lives.Add(1))
				p := startProcess(t, metricsDir, appDir, life)
				if p == nil {
					return
				}
				p.clickFor(50*time.Millisecond + rand.N(600*time.Millisecond))
				drained := life%10 == 0
				safe, now := lastRead(m, p.cmd.Process.Pid), time.Now()
				if drained {
					p.end(syscall.SIGTERM, metricsDir)
				} else {
					p.end(syscall.SIGKILL, metricsDir)
				}
				records.record(p, now, safe, drained)
			}
		})
	}
	slots.Wait()
	cancel()
	<-ended
	scrapes := watched()
	front.Close()
	read(t, m)

	merged := m.Counter("clicks_total").Total
	for label, r := range records.lives {
		got := m.Counter("clicks_total", merge.Label{Name: "life", Value: label}).Total
		if got < float64(r.safe) || got > float64(r.sent) {
			t.Errorf("life %s: merged %v, acknowledged %d of which %d before its last reading, sent %d", label, got, r.acked, r.safe, r.sent)
		}
	}
	lost := records.all - int(merged)
	if lost > records.atRisk {
		t.Errorf("lost %d, at most %d were acknowledged since the last readings", lost, records.atRisk)
	}
	t.Logf("%d kills of %d lives, %d clicks acknowledged in killed workers, of %d; lost %d, bound %d (acknowledged since the last reading began); interval %v, longest time from reading to kill %v; %d scrapes",
		records.kills, lives.Load(), records.acked, records.all, lost, records.atRisk, interval, records.window, scrapes)
}

// watch scrapes without pause until ctx is done; every scrape must answer, and the total must not go down. The result
// waits for it and says how many scrapes there were.
func watch(t *testing.T, ctx context.Context, url string, m *merge.Merger) func() int {
	var scrapes int
	var last float64
	var begun bool // before the first reading, scrapes fail
	done := make(chan struct{})
	go func() {
		defer close(done)
		client := &http.Client{Timeout: time.Minute}
		defer client.CloseIdleConnections()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			resp, err := client.Get(url)
			if err != nil {
				t.Errorf("scrape: %v", err)
				return
			}
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			begun = begun || resp.StatusCode == http.StatusOK
			if err != nil || begun && resp.StatusCode != http.StatusOK {
				t.Errorf("scrape: %s %v", resp.Status, err)
			}
			if total := m.Counter("clicks_total").Total; total < last {
				t.Errorf("the total went from %v down to %v", last, total)
			} else {
				last = total
			}
			scrapes++
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	return func() int { <-done; return scrapes }
}

func TestM19AStoppedProcessIsMarkedDownScrapesAnswerAndItIsContinued(t *testing.T) {
	metricsDir, appDir := socketDir(t), socketDir(t)
	m := newMerger(t, merge.Options{Source: endpoints.Dir(metricsDir), Interval: 10 * time.Millisecond, Timeout: 500 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	stopped, other := startProcess(t, metricsDir, appDir, 1), startProcess(t, metricsDir, appDir, 2)
	if stopped == nil || other == nil {
		t.FailNow()
	}
	defer stopped.end(syscall.SIGKILL, metricsDir)
	defer other.end(syscall.SIGKILL, metricsDir)
	total := func(n int) func() bool {
		return func() bool { return m.Counter("clicks_total").Total == float64(n) }
	}
	up := func(pid int) bool {
		for _, w := range m.Workers() {
			if w.PID == pid {
				return w.Up
			}
		}
		return false
	}
	stopped.click()
	await.True(t, "the click is merged", total(1))

	if err := stopped.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	pid := stopped.cmd.Process.Pid
	await.True(t, "it is marked down", func() bool { return !up(pid) })
	wantValue(t, m, fmt.Sprintf(`truecount_merge_worker_up{worker="pid=%d"}`, pid), "0")
	wantValue(t, m, `clicks_total{life="1"}`, "1")
	other.click()
	await.True(t, "the other is merged meanwhile", total(2))

	if err := stopped.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	await.True(t, "it is up again", func() bool { return up(pid) })
	stopped.click()
	await.True(t, "it is continued", total(3))
	wantValue(t, m, `clicks_total{life="1"}`, "2")
	wantValue(t, m, `truecount_merge_generations_total{event="started"}`, "2")
}
