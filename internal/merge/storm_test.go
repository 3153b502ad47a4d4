package merge_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
)

// consecutive listens on n ports in a row.
func consecutive(t *testing.T, n int) (start int, listeners []net.Listener) {
	t.Helper()
	for range 100 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners, start = []net.Listener{first}, first.Addr().(*net.TCPAddr).Port
		for i := 1; i < n && start+i < 65536; i++ {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(start+i)))
			if err != nil {
				break
			}
			listeners = append(listeners, l)
		}
		if len(listeners) == n {
			return start, listeners
		}
		for _, l := range listeners {
			l.Close()
		}
	}
	t.Fatal("no consecutive free ports")
	return 0, nil
}

func Test1000PostsTo4WorkersUnder200ParallelScrapesEndAtExactly1000(t *testing.T) {
	start, listeners := consecutive(t, 4)
	for _, l := range listeners {
		reg := prometheus.NewRegistry()
		clicks := prometheus.NewCounter(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."})
		reg.MustRegister(clicks)
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
		mux.HandleFunc("POST /click", func(http.ResponseWriter, *http.Request) { clicks.Inc() })
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: mux}}
		s.Start()
		defer s.Close()
	}
	source, err := endpoints.Ports("127.0.0.1", start, 4)
	if err != nil {
		t.Fatal(err)
	}
	m := newMerger(t, merge.Options{Source: source, Interval: 20 * time.Millisecond})
	read(t, m)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	front := httptest.NewServer(m)
	defer front.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: time.Minute}
	defer client.CloseIdleConnections()

	var scrapers, posts sync.WaitGroup
	posted := make(chan struct{})
	for range 200 {
		scrapers.Go(func() {
			last := -1
			for {
				if now := clicksOn(t, client, front.URL); now < last {
					t.Errorf("a scrape saw %d after %d", now, last)
				} else {
					last = now
				}
				select {
				case <-posted:
					return
				default:
				}
			}
		})
	}
	for i := range 1000 {
		posts.Go(func() {
			resp, err := client.Post(fmt.Sprintf("http://127.0.0.1:%d/click", start+i%4), "", nil)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	posts.Wait()
	close(posted)
	scrapers.Wait()
	cancel()
	<-ended
	read(t, m)
	if got := clicksOn(t, client, front.URL); got != 1000 {
		t.Errorf("the count ends at %d", got)
	}
}

func clicksOn(t *testing.T, client *http.Client, url string) int {
	resp, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("scrape: %s %v", resp.Status, err)
	}
	_, rest, found := strings.Cut(string(page), "\nclicks_total ")
	if !found {
		return 0 // not read yet
	}
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(line)
	if err != nil {
		t.Error(err)
	}
	return n
}
