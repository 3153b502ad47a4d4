package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truecount/truecount/test/await"
)

// ingestUntilKilled is the test binary as a server of its own: it prints its address and ends with its standard input.
func ingestUntilKilled(dir string) {
	s, err := New(Options{ConfigFile: os.Getenv("SERVER_TEST_CONFIG"), DataDir: dir, DiscoveryInterval: 50 * time.Millisecond})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	front := httptest.NewServer(s.Handler())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	go func() {
		<-s.Ready()
		fmt.Println("address", front.URL)
	}()
	if err := s.Run(ctx); err != nil {
		fmt.Println("error", err)
	}
}

// stored asks for every sample of clicks_total, by its time.
func stored(t *testing.T, address string) map[float64]string {
	t.Helper()
	resp, err := http.Get(address + "/api/v1/query?query=" + url.QueryEscape("clicks_total[1h]"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct{ Result []struct{ Values [][2]any } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	samples := map[float64]string{}
	for _, series := range answer.Data.Result {
		for _, v := range series.Values {
			samples[v[0].(float64)] = v[1].(string)
		}
	}
	return samples
}

func TestP1SamplesThatWereStoredSurviveSIGKILL(t *testing.T) {
	var clicks atomic.Int64
	tg := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "clicks_total %d\n", clicks.Add(1))
	}))
	t.Cleanup(tg.Close)
	config, dir := configuration(t, "scrape.yml", "target.invalid:1", hostPort(tg.URL), "100ms", "20ms"), t.TempDir()
	known := map[float64]string{}
	const kills = 8
	for kill := range kills + 1 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), "SERVER_TEST_INGEST="+dir, "SERVER_TEST_CONFIG="+config)
		stdin, _ := child.StdinPipe()
		stdout, _ := child.StdoutPipe()
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		said, _ := bufio.NewReader(stdout).ReadString('\n')
		address, ok := strings.CutPrefix(strings.TrimSpace(said), "address ")
		if !ok {
			t.Fatalf("after %d kills it does not start: %s", kill, said)
		}
		now := stored(t, address)
		for at, v := range known {
			if now[at] != v {
				t.Errorf("after %d kills the sample of %f is %q, was %q", kill, at, now[at], v)
			}
		}
		if kill < kills {
			before := len(known)
			await.True(t, "more samples", func() bool { known = stored(t, address); return len(known) > before+10 })
			child.Process.Kill()
		} else {
			stdin.Close()
		}
		child.Wait()
		http.DefaultClient.CloseIdleConnections()
	}
	t.Logf("%d kills, %d samples, 0 lost", kills, len(known))
}
