package merge_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/internal/merge/state"
	"github.com/truecount/truecount/test/await"
)

// envMergeProcess is the directory of the merge processes that this test binary starts from itself: workers' sockets in
// m, the state in state, the totals on the socket front.
const envMergeProcess = "TRUECOUNT_MERGE_TEST_MERGE"

// mergeProcess is a merge as the sidecar runs it.
func mergeProcess() {
	dir := os.Getenv(envMergeProcess)
	err := func() error {
		file, err := state.Open(filepath.Join(dir, "state"), merge.StateKind)
		if err != nil {
			return err
		}
		m, err := merge.New(merge.Options{Source: endpoints.Dir(filepath.Join(dir, "m")), Interval: 5 * time.Millisecond, State: file})
		if err != nil {
			return err
		}
		front := filepath.Join(dir, "front")
		os.Remove(front)
		l, err := net.Listen("unix", front)
		if err != nil {
			return err
		}
		go func() { _ = http.Serve(l, m) }()
		fmt.Println("ready")
		return m.Run(context.Background())
	}()
	fmt.Fprintln(os.Stderr, "merge:", err)
	os.Exit(1)
}

// merged is a merge process.
type merged struct {
	cmd    *exec.Cmd
	client *http.Client
}

func startMerge(t *testing.T, dir string) *merged {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envMergeProcess+"="+dir, "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m := &merged{cmd: cmd, client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, "front"))
		}}}}
	t.Cleanup(m.kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the merge said %q: %v", line, err)
	}
	return m
}

func (m *merged) kill() {
	_ = m.cmd.Process.Signal(syscall.SIGKILL)
	_ = m.cmd.Wait()
	m.client.CloseIdleConnections()
}

// clicks is the total that a scrape has, and whether there was a whole answer.
func (m *merged) clicks() (float64, bool) {
	resp, err := m.client.Get("http://merge/metrics")
	if err != nil {
		return 0, false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return 0, false
	}
	for line := range strings.Lines(string(body)) {
		if text, ok := strings.CutPrefix(line, "clicks_total "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			return v, err == nil
		}
	}
	return 0, false
}

// The merge is a process that is killed again and again, while it is scraped and workers count; half of the times a worker
// dies with it. No scrape has less than one before it, and in the end every click is there, once.
func TestM20AMergeThatIsKilledShowsNoLessThanItServed(t *testing.T) {
	kills := 60
	if testing.Short() {
		kills = 10
	}
	random := rand.New(rand.NewPCG(20, 20))
	dir := socketDir(t)
	sockets := filepath.Join(dir, "m")
	if err := os.Mkdir(sockets, 0o700); err != nil {
		t.Fatal(err)
	}
	constant := startWorker(t, sockets, 1)
	stays := constant.counter("clicks_total")
	clicked, served, scrapes := 0.0, 0.0, 0
	m := startMerge(t, dir)
	scrape := func() {
		t.Helper()
		if v, ok := m.clicks(); ok {
			if scrapes++; v < served {
				t.Fatalf("%v was served after %v", v, served)
			}
			served = v
		}
	}
	for i := range kills {
		mortal := startWorker(t, sockets, 2+i)
		goes := mortal.counter("clicks_total")
		for range random.IntN(20) {
			goes.Inc()
			stays.Inc()
			clicked += 2
			scrape()
		}
		dies := i%2 == 0
		if dies { // all that it counted was served before
			await.True(t, "all is served", func() bool { scrape(); return served == clicked })
		} else {
			timer := time.AfterFunc(time.Duration(random.IntN(3000))*time.Microsecond, func() { _ = m.cmd.Process.Signal(syscall.SIGKILL) })
			for range 5 {
				stays.Inc()
				clicked++
				scrape()
			}
			timer.Stop()
		}
		m.kill()
		if dies {
			mortal.remove()
		}
		stays.Inc()
		clicked++
		m = startMerge(t, dir)
		scrape()
	}
	await.True(t, "all is served", func() bool { scrape(); return served == clicked })
	t.Logf("%d kills, %d scrapes, %v clicks", kills, scrapes, clicked)
}
