package merge

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/merge/reading"
)

// WorkerState says what is known of a worker.
type WorkerState string

// The states.
const (
	WorkerUp      WorkerState = "up"      // its last reading succeeded
	WorkerDown    WorkerState = "down"    // its last reading failed, but it may be alive: its counts stand, its gauges left
	WorkerDrained WorkerState = "drained" // it handed over its last totals and is about to end
	WorkerDead    WorkerState = "dead"    // nobody answers where it was
)

// Worker is what a Merger knows of one endpoint that has had a worker or should have one.
type Worker struct {
	Replica  string // the Merger's name
	ID       string // "pid=123", or the address where a program does not say its pid
	PID      int    // 0 if unknown
	Start    float64
	Endpoint Endpoint
	State    WorkerState
	Up       bool
	LastRead time.Time // when its last successful reading began: what it counted before that is safe
	Error    string    // why the last reading failed
}

// headerWorker is how a worker says who it is.
const headerWorker = "Truecount-Worker"

// identity is what an answer says about who gave it.
type identity struct {
	id      string
	worker  string
	pid     int
	start   float64
	drained bool
	certain bool // the worker said so itself
}

// identify reads the header, or makes do with the address and the start time that the metrics tell.
func identify(h http.Header, e Endpoint, r *reading.Reading) identity {
	if i, ok := parseWorker(h.Get(headerWorker)); ok {
		return i
	}
	i := identity{id: e.String(), worker: e.String(), start: startTime(r)}
	if i.start > 0 {
		i.id += "#" + strconv.FormatFloat(i.start, 'f', -1, 64)
	}
	return i
}

func parseWorker(header string) (identity, bool) {
	i := identity{certain: true}
	started := ""
	for part := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "pid":
			i.pid, _ = strconv.Atoi(value)
		case "start":
			started = value
			i.start, _ = strconv.ParseFloat(value, 64)
		case "state":
			i.drained = value == "drained"
		}
	}
	if i.pid <= 0 || !(i.start > 0) || math.IsInf(i.start, 0) || len(header) > 256 {
		return identity{}, false
	}
	i.worker = "pid=" + strconv.Itoa(i.pid)
	i.id = i.worker + "#" + started
	return i, true
}

func startTime(r *reading.Reading) float64 {
	for _, f := range r.Families {
		if f.Name == "process_start_time_seconds" && f.Kind == reading.Gauge && len(f.Series) == 1 {
			if v := f.Series[0].Value; v > 0 && !math.IsInf(v, 0) {
				return v
			}
		}
	}
	return 0
}
