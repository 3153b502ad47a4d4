package instrument

import (
	"maps"
	"math"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// seriesKey identifies what one request is counted as. route is "" if there is none; status is folded: 0, or 100 to 599.
type seriesKey struct {
	route, method string
	status        int
}

// series are the instruments of one key.
type series struct {
	key           seriesKey
	route, method string // label values
	requests      prometheus.Counter
	latency       prometheus.Observer
	size          prometheus.Observer
	more          *moreSeries // nil unless Options.Extended

	// Both for Options.Trace only.
	counted   refresh
	exemplars *bucketRefreshes // one per histogram of latencies, shared by its statuses
}

// directSlots is the size of the table that is looked at before the map. A service has fewer keys in use than that.
const directSlots = 512

// slot is where a key is in the direct table, if it is there: a few characters of the route tell most routes apart, and
// those that it confuses are found in the map.
func (k *seriesKey) slot() uint32 {
	n := len(k.route)
	x := uint32(n)
	if n > 0 {
		x = x*31 + uint32(k.route[n-1])
		x = x*31 + uint32(k.route[n/2])
		x = x*31 + uint32(k.route[n/4])
		x = x*31 + uint32(k.route[n-1-n/4])
	}
	if m := len(k.method); m > 1 {
		x = x*31 + uint32(k.method[0])
		x = x*31 + uint32(k.method[1])
	}
	return (x*31 + uint32(k.status)) % directSlots
}

// lookup returns the series that a request is counted in. The key's strings may belong to the request.
//
// The map is only ever replaced, never changed, so that a request takes no lock; looking a series up by its labels costs
// 35 ns a time instead. The table in front of it saves the hashing.
func (h *httpMetrics) lookup(key seriesKey) *series {
	if s := h.direct[key.slot()].Load(); s != nil && s.key == key {
		return s
	}
	known := *h.known.Load()
	if s, ok := known[key]; ok {
		return s
	}
	if len(known) < h.bound.limit {
		if s := h.add(key, h.bound.limit); s != nil {
			return s
		}
	}
	h.bound.exceeded(key.route)
	// The status is kept, because alarms need it: the overflow has at most 501 series.
	key = seriesKey{labelOverflow, h.labels.otherMethod, key.status}
	if s, ok := (*h.known.Load())[key]; ok {
		return s
	}
	return h.add(key, math.MaxInt)
}

// add returns nil if there are as many series as the limit says, some perhaps since the caller looked.
func (h *httpMetrics) add(key seriesKey, limit int) *series {
	h.grow.Lock()
	defer h.grow.Unlock()
	known := *h.known.Load()
	if s, ok := known[key]; ok {
		return s
	}
	if len(known) >= limit {
		return nil
	}
	// Several raw routes may become one label value; they then share the counters and differ as keys only.
	key.route = strings.Clone(key.route)
	s := h.newSeries(key)
	grown := make(map[seriesKey]*series, len(known)+1)
	maps.Copy(grown, known)
	grown[key] = s
	h.known.Store(&grown)
	h.direct[key.slot()].CompareAndSwap(nil, s)
	return s
}

func (h *httpMetrics) newSeries(key seriesKey) *series {
	route, status := sanitized(key.route), statusLabel(key.status)
	if key.route == "" {
		route = h.labels.noRoute
	}
	s := &series{
		key: key, route: route, method: key.method,
		requests: h.requests.WithLabelValues(route, key.method, status),
		latency:  h.latency.WithLabelValues(route, key.method),
		size:     h.size(route, key.method),
	}
	if h.extended != nil {
		s.more = h.extended.newSeries(key, route)
	}
	if h.trace != nil {
		histogram := [2]string{route, key.method}
		if s.exemplars = h.exemplars[histogram]; s.exemplars == nil {
			s.exemplars = newBucketRefreshes(h.latencyBuckets)
			h.exemplars[histogram] = s.exemplars
		}
	}
	return s
}

// directTable is written when a series is made and by nothing else, so that its memory stays in every processor's cache.
type directTable [directSlots]atomic.Pointer[series]
