package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// writeTimeout is how long a browser may take to accept one event before its stream is ended.
const writeTimeout = 10 * time.Second

// latest is the last snapshot, so that many watchers cost as much as one.
type latest struct {
	mu   sync.Mutex
	at   time.Time
	body []byte
}

// snapshot returns the state as JSON, at most half an interval old.
func (h *Handler) snapshot() ([]byte, error) {
	h.latest.mu.Lock()
	defer h.latest.mu.Unlock()
	now := h.opts.Now()
	if age := now.Sub(h.latest.at); h.latest.body != nil && age >= 0 && age < h.opts.Interval/2 {
		return h.latest.body, nil
	}
	s := Snapshot{Time: float64(now.UnixMilli()) / 1000, Version: h.opts.Version, Applications: []Application{}}
	if h.opts.Live != nil {
		s.Applications = append(s.Applications, h.opts.Live.Applications()...)
	}
	body, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	h.latest.at, h.latest.body = now, body
	return body, nil
}

// serveLive sends a snapshot at once and then one every interval, until the browser leaves, the request's context ends or
// the handler is closed.
func (h *Handler) serveLive(w http.ResponseWriter, r *http.Request) {
	select {
	case <-h.closed:
		writeError(w, http.StatusServiceUnavailable, "truecount is ending", "")
		return
	default:
	}
	select {
	case h.streams <- struct{}{}:
		defer func() { <-h.streams }()
	default:
		w.Header().Set("Retry-After", "5")
		writeError(w, http.StatusServiceUnavailable, fmt.Sprintf("%d pages follow the live values already", cap(h.streams)), "close some of them")
		return
	}
	h.metrics.streams.Inc()
	defer h.metrics.streams.Dec()

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would collect the events
	ticker := time.NewTicker(h.opts.Interval)
	defer ticker.Stop()
	for {
		if !h.sendSnapshot(w) {
			return
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-h.closed:
			return
		}
	}
}

func (h *Handler) sendSnapshot(w http.ResponseWriter) bool {
	body, err := h.snapshot()
	if err != nil {
		h.opts.Logger.Error("snapshot for the page failed", "err", err)
		return false
	}
	// A server's own WriteTimeout counts from the request: a stream needs one per event instead. Writers that can't are fine.
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := fmt.Fprintf(w, "data: %s\n\n", body); err != nil {
		return false
	}
	return control.Flush() == nil
}
