package worker

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

const (
	exhaustedName = "worker_port_range_exhausted_total"
	portInfoName  = "worker_metrics_port_info"
)

// rangePath is where workers that share ports speak to one another. GET answers the range of the worker on that port;
// POST with ?ports=5001-5005 tells it that a worker of that range found no port. Both work from this machine only.
const rangePath = "/worker/port-range"

// rangeMember is a worker's place in its port range, and what it counts for those who found none.
type rangeMember struct {
	ports       portRange
	own         prometheus.Counter // nil where the worker has nowhere to expose them
	overlapping prometheus.Counter

	mu    sync.Mutex
	final bool // the counts are complete: what came now would be in no reading
}

// newRangeMember declares the metrics of a worker that has taken port.
func newRangeMember(m *instrument.Metrics, ports portRange, port int, log *slog.Logger) *rangeMember {
	member := &rangeMember{ports: ports}
	if m == nil {
		return member
	}
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: m.Name(exhaustedName, exhaustedName),
		Help: "Workers that could not start because no port for their metrics was free. Each is counted by one other worker: of the same range (own), or, if there is none, of one that overlaps it (overlapping).",
	}, []string{"range"})
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: m.Name(portInfoName, portInfoName),
		Help: "The port of this worker's metrics and the range that it was taken from; always 1.",
	}, []string{"port", "ports"})
	info.WithLabelValues(strconv.Itoa(port), ports.ports()).Set(1)
	member.own, member.overlapping = counter.WithLabelValues("own"), counter.WithLabelValues("overlapping")
	for name, c := range map[string]prometheus.Collector{exhaustedName: counter, portInfoName: info} {
		if err := m.Register(name, c); err != nil { // no reason not to serve
			log.Error("metric is not exposed", "metric", name, "error", err)
		}
	}
	return member
}

// complete says that the next reading takes the last totals.
func (m *rangeMember) complete() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.final = true
}

// count counts a worker of that range, and answers how it went as an HTTP status.
func (m *rangeMember) count(ports portRange) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.final || m.own == nil:
		return http.StatusServiceUnavailable
	case m.ports.same(ports):
		m.own.Inc()
	case m.ports.overlaps(ports):
		m.overlapping.Inc()
	default:
		return http.StatusConflict
	}
	return http.StatusNoContent
}

func (m *rangeMember) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !fromThisMachine(r) {
		http.NotFound(w, r) // nothing to see from elsewhere
		return
	}
	switch r.Method {
	case http.MethodGet:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(m.ports.ports()))
	case http.MethodPost:
		// A browser's page from elsewhere can't send a header of this name.
		if r.Header.Get(HeaderWorker) == "" {
			http.Error(w, "only workers speak here", http.StatusForbidden)
			return
		}
		ports, err := parseRange(r.URL.Query().Get("ports"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(m.count(ports))
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "only GET and POST", http.StatusMethodNotAllowed)
	}
}

// fromThisMachine says that the client is on a loopback address, or on the very one that it asks: where an endpoint
// listens on an address of the machine, connections of the machine itself come from that.
func fromThisMachine(r *http.Request) bool {
	client, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	from := client.Addr().Unmap()
	if from.IsLoopback() {
		return true
	}
	asked, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	server, err := netip.ParseAddrPort(asked.String())
	return err == nil && server.Addr().Unmap() == from
}
