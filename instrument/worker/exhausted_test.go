package worker

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

func newMember(t *testing.T, ports portRange) (*rangeMember, *instrument.Metrics) {
	t.Helper()
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	return newRangeMember(m, ports, ports.start, nil), m
}

func exposed(m *instrument.Metrics) string {
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	return rec.Body.String()
}

func TestB1AWorkerIsToldFromItsOwnMachineOnly(t *testing.T) {
	for _, tt := range []struct {
		name, method, from, asked, header, ports string
		want                                     int
	}{
		{"a sibling", "POST", "127.0.0.1:4000", "127.0.0.1:5001", "pid=1", "5001-5005", 204},
		{"on IPv6", "POST", "[::1]:4000", "[::1]:5001", "pid=1", "5001-5005", 204},
		{"mapped", "POST", "[::ffff:127.0.0.1]:4000", "[::ffff:127.0.0.1]:5001", "pid=1", "5001-5005", 204},
		{"on an address of this machine", "POST", "10.0.0.7:4000", "10.0.0.7:5001", "pid=1", "5001-5009", 204},
		{"an overlapping range", "POST", "127.0.0.1:4000", "127.0.0.1:5001", "pid=1", "5005-5006", 204},
		{"another range", "POST", "127.0.0.1:4000", "127.0.0.1:5001", "pid=1", "5006-5007", 409},
		{"another machine", "POST", "10.0.0.8:4000", "10.0.0.7:5001", "pid=1", "5001-5005", 404},
		{"another machine asks", "GET", "10.0.0.8:4000", "10.0.0.7:5001", "pid=1", "", 404},
		{"a socket", "POST", "@", "/run/x.sock", "pid=1", "5001-5005", 404},
		{"a page in a browser", "POST", "127.0.0.1:4000", "127.0.0.1:5001", "", "5001-5005", 403},
		{"nonsense", "POST", "127.0.0.1:4000", "127.0.0.1:5001", "pid=1", "5001", 400},
		{"another method", "DELETE", "127.0.0.1:4000", "127.0.0.1:5001", "pid=1", "5001-5005", 405},
		{"whose is it", "GET", "127.0.0.1:4000", "127.0.0.1:5001", "", "", 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			member, m := newMember(t, portRange{"127.0.0.1", 5001, 5})
			r := httptest.NewRequest(tt.method, rangePath+"?ports="+tt.ports, nil)
			r.RemoteAddr = tt.from
			if asked, err := net.ResolveTCPAddr("tcp", tt.asked); err == nil {
				r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(asked)))
			}
			if tt.header != "" {
				r.Header.Set(HeaderWorker, tt.header)
			}
			rec := httptest.NewRecorder()
			member.ServeHTTP(rec, r)
			if rec.Code != tt.want {
				t.Errorf("answered %d %s, want %d", rec.Code, rec.Body, tt.want)
			}
			if counted := strings.Count(exposed(m), "shop_"+exhaustedName+`{range="own"} 1`) + strings.Count(exposed(m), `{range="overlapping"} 1`); counted > 0 != (tt.want == 204) {
				t.Errorf("counted %d", counted)
			}
		})
	}
}

func TestB1AWorkerWhoseCountsAreCompleteSendsOthersOn(t *testing.T) {
	member, m := newMember(t, portRange{"127.0.0.1", 5001, 5})
	member.complete()
	if status := member.count(portRange{start: 5001, count: 5}); status != http.StatusServiceUnavailable {
		t.Errorf("answered %d", status)
	}
	if !strings.Contains(exposed(m), `{range="own"} 0`) {
		t.Error("counted what no reading would take")
	}
}

func TestB1AskingForTheRangeDoesNotTakeTheLastTotals(t *testing.T) {
	ports := portRange{"127.0.0.1", freePort(t, 1), 1}
	w := runWorker(t, Options{Handler: answering(""), MetricsHandler: answering("totals"), HandoverTimeout: time.Minute}, environment{metricsPorts: ports})
	w.end()
	drained := false
	eventually(t, "the worker says drained", func() bool {
		client, end := rangeClient()
		defer end()
		response, err := request(t.Context(), client, http.MethodGet, ports, ports.start)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		drained = strings.HasSuffix(response.Header.Get(HeaderWorker), "state=drained")
		return drained
	})
	if holders := findHolders(t.Context(), ports, time.Minute); !holders[0].is(stranger) {
		t.Errorf("a worker that is about to end is taken for one that can be told: %+v", holders)
	}
	if _, body, err := scrape("tcp", net.JoinHostPort(ports.host, strconv.Itoa(ports.start)), ""); err != nil || body != "totals" {
		t.Errorf("the last totals are %q, %v", body, err)
	}
	if err := w.wait(); err != nil {
		t.Error(err)
	}
}

func TestB1AWorkerOfAnUnixSocketHasNoRange(t *testing.T) {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w := runWorker(t, Options{Handler: answering(""), Metrics: m, HandoverTimeout: time.Millisecond}, environment{metricsDir: dir})
	if _, body, err := scrape("unix", socketOf(dir), ""); err != nil || strings.Contains(body, "worker_") {
		t.Errorf("got %v:\n%s", err, body)
	}
	w.end()
	if err := w.wait(); err != nil {
		t.Error(err)
	}
}

func TestTheRangesAddressIsReachedFromThisMachine(t *testing.T) {
	for host, want := range map[string]string{"0.0.0.0": "127.0.0.1", "::": "::1", "127.0.0.2": "127.0.0.2", "10.0.0.7": "10.0.0.7", "localhost": "localhost"} {
		if got := (portRange{host: host}).dialHost(); got != want {
			t.Errorf("%s is reached at %s, want %s", host, got, want)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"5001-5005", "1-65535", "5005-5001", "-1--1", "5001", "5001-+5002", "1-9223372036854775808", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRange(text)
		if err != nil {
			return
		}
		if r.start < 1 || r.last() > highPort || r.count < 1 || r.count > mostPorts {
			t.Errorf("%q is %+v", text, r)
		}
		if again, err := parseRange(r.ports()); err != nil || again != r {
			t.Errorf("%q is written as %q, which is %+v, %v", text, r.ports(), again, err)
		}
	})
}
