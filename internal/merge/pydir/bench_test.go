package pydir_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// load lays the directory of a busy service: 32 workers, 257,632 entries, 43 MB.
func load(b *testing.B) (dir string, l *pydirtest.Load) {
	b.Helper()
	dir = b.TempDir()
	l, err := pydirtest.NewLoad(dir, 32, pydirtest.Since018, 1)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return dir, l
}

// answer takes an answer as a connection does, and makes no garbage.
type answer struct {
	header http.Header
	code   int
	bytes  int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(code int)        { a.code = code }
func (a *answer) Write(p []byte) (int, error) { a.bytes += len(p); return len(p), nil }

// settled is a time at which the directory has long been laid: until then it is listed again at every scrape.
func settled() time.Time { return time.Now().Add(time.Hour) }

// asked is what Prometheus asks.
func asked(accept string, gzip bool) *http.Request {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/metrics"}, Header: http.Header{"Accept": {accept}}}
	if gzip {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	return r
}

const acceptText = "text/plain;version=0.0.4"

func scrapeOnce(b *testing.B, m *pydir.Merger, r *http.Request) {
	a := answer{header: http.Header{}}
	if m.ServeHTTP(&a, r); a.code > 200 || a.bytes < 1000 {
		b.Fatalf("an answer %d of %d bytes", a.code, a.bytes)
	}
}

// The first scrape of a directory opens, parses and adds up every file.
func BenchmarkFirstScrape(b *testing.B) {
	dir, _ := load(b)
	r := asked(acceptText, false)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		m, err := pydir.New(pydir.Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		scrapeOnce(b, m, r)
		b.StopTimer()
		m.Close()
		b.StartTimer()
	}
}

// Every other one reads all values again; one in each file has changed.
func BenchmarkWarmScrape(b *testing.B) {
	for _, c := range []struct {
		name, accept string
		gzip         bool
	}{{"text", acceptText, false}, {"gzip", acceptText, true}, {"openmetrics", "application/openmetrics-text;version=1.0.0", false}} {
		b.Run(c.name, func(b *testing.B) {
			dir, l := load(b)
			m := newMerger(b, pydir.Options{Dir: dir, Now: settled})
			r := asked(c.accept, c.gzip)
			for range 3 { // what is used again is there
				scrapeOnce(b, m, r)
			}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				if err := l.Tick(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				scrapeOnce(b, m, r)
			}
		})
	}
}
