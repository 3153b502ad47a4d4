package promapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/promapi"
)

// repeats answers with n copies of an element.
func repeats(head, element, tail string, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		out := bufio.NewWriterSize(w, 1<<16)
		io.WriteString(out, head)
		for i := range n {
			if i > 0 {
				out.WriteByte(',')
			}
			if _, err := io.WriteString(out, element); err != nil {
				return // nobody listens any more
			}
		}
		io.WriteString(out, tail)
		out.Flush()
	}
}

const seriesHead, seriesTail = `{"status":"success","data":[`, `]}`

// typical is as long as the series that Prometheus discovers in a cluster: 230 bytes.
const typical = `{"__name__":"http_server_request_duration_seconds_bucket","container":"shop","endpoint":"metrics","instance":"10.244.13.171:8080","job":"shop","le":"0.25","method":"GET","namespace":"shops","pod":"shop-7d9c8b5f6-x2x7k","service":"shop"}`

func TestAnAnswerBeyondALimitIsAnError(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		options promapi.Options
		says    string
	}{
		"100 MB": {repeats(`{"status":"success","data":{"resultType":"vector","result":[`, `{"metric":`+typical+`,"value":[1,"1"]}`, `]}}`, 400_000),
			promapi.Options{MaxBytes: 10 << 20}, "more than 10 MiB"},
		"many series": {repeats(`{"status":"success","data":{"resultType":"vector","result":[`, `{"metric":{},"value":[1,"1"]}`, `]}}`, 11),
			promapi.Options{MaxSeries: 10}, "more than 10 series"},
		"an endless text": {repeats(`{"status":"success","data":"`, strings.Repeat("x", 1<<16), `"}`, 1000),
			promapi.Options{}, "a text longer than 1 MiB"},
		"an endless text that nobody needs": {repeats(`{"other":"`, strings.Repeat("x", 1<<16), `"}`, 1000),
			promapi.Options{}, "a text longer than 1 MiB"},
		"a series of many labels": {says(200, "application/json", vector(`[{"metric":{`+manyLabels(300)+`},"value":[1,"1"]}]`)),
			promapi.Options{}, "more than 256 labels"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ask(t, test.handler, test.options).Query(t.Context(), "up", time.Time{})
			if promapi.KindOf(err) != promapi.TooLarge || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want …%s…", err, test.says)
			}
		})
	}
}

// TestOnlyFarAnswersAreCompressed asks a server that packs what may be packed, near by plain HTTP and far by TLS.
func TestOnlyFarAnswersAreCompressed(t *testing.T) {
	var accepts string
	plain := repeats(`{"status":"success","data":{"resultType":"vector","result":[`, `{"metric":{},"value":[1,"1"]}`, `]}}`, 400_000)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if accepts = r.Header.Get("Accept-Encoding"); accepts == "gzip" {
			packed(plain)(w, r)
		} else {
			plain(w, r)
		}
	})
	near, far := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer near.Close()
	defer far.Close()
	for _, server := range []struct {
		*httptest.Server
		accepts string
	}{{near, "identity"}, {far, "gzip"}} {
		client, err := promapi.New(promapi.Options{URL: server.URL, Transport: server.Client().Transport, MaxBytes: 10 << 20, MaxSeries: 1e6})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		// However small it was when it came, it is as large as it is.
		_, err = client.Query(t.Context(), "up", time.Time{})
		if accepts != server.accepts || promapi.KindOf(err) != promapi.TooLarge || !strings.Contains(err.Error(), "more than 10 MiB") {
			t.Errorf("%s: asked for %q, got %v", server.URL, accepts, err)
		}
	}
}

func TestLimitsAreReachedExactly(t *testing.T) {
	body := vector(`[{"metric":{},"value":[1,"1"]}]`)
	client := ask(t, says(200, "application/json", body), promapi.Options{MaxBytes: int64(len(body)), MaxSeries: 1, MaxPoints: 1})
	if _, err := client.Query(t.Context(), "up", time.Time{}); err != nil {
		t.Error(err)
	}
	client = ask(t, says(200, "application/json", body), promapi.Options{MaxBytes: int64(len(body)) - 1})
	if _, err := client.Query(t.Context(), "up", time.Time{}); promapi.KindOf(err) != promapi.TooLarge {
		t.Error(err)
	}
}

func TestDeepNestingIsNoProblem(t *testing.T) {
	deep := strings.Repeat("[", 1_000_000)
	_, err := ask(t, says(200, "application/json", `{"x":`+deep), promapi.Options{}).Query(t.Context(), "up", time.Time{})
	if promapi.KindOf(err) != promapi.NotUnderstood {
		t.Error(err)
	}
}

func manyLabels(n int) string {
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf(`"l%d":"x"`, i))
	}
	return strings.Join(parts, ",")
}

// TestManySeriesNeedNoMoreMemoryThanOne asks for 100,000 series, 23 MB, and looks at what is live when the last has come.
func TestManySeriesNeedNoMoreMemoryThanOne(t *testing.T) {
	const n = 100_000
	client := ask(t, repeats(seriesHead, typical, seriesTail, n), promapi.Options{})
	live := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, seen, grown := live(), 0, int64(0)
	err := client.Series(t.Context(), []string{"up"}, time.Time{}, time.Time{}, func(l labels.Labels) error {
		if seen++; seen == n {
			grown = live() - before
		}
		return nil
	})
	if err != nil || seen != n {
		t.Fatal(seen, err)
	}
	if grown > 4<<20 {
		t.Errorf("%d bytes are held after %d series", grown, n)
	}
}

// BenchmarkSeries reads what Prometheus answers for 100,000 series.
func BenchmarkSeries(b *testing.B) {
	const n = 100_000
	client := benchmark(b, repeats(seriesHead, typical, seriesTail, n))
	b.SetBytes(int64(len(typical)+1) * n)
	b.ReportAllocs()
	for b.Loop() {
		if err := client.Series(b.Context(), nil, time.Time{}, time.Time{}, func(labels.Labels) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQueryRange reads what a day of ten series is in steps of 15 s.
func BenchmarkQueryRange(b *testing.B) {
	var values strings.Builder
	for i := range 5760 {
		fmt.Fprintf(&values, `,[%d.781,"0.0275964%07d"]`, 1435781451+15*i, i)
	}
	element := `{"metric":{"pod":"clicks-0"},"values":[` + values.String()[1:] + `]}`
	client := benchmark(b, repeats(`{"status":"success","data":{"resultType":"matrix","result":[`, element, `]}}`, 10))
	start := time.Unix(1435781451, 0)
	b.SetBytes(int64(len(element)) * 10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.QueryRange(b.Context(), "up", start, start.Add(24*time.Hour), 15*time.Second); err != nil {
			b.Fatal(err)
		}
	}
}
