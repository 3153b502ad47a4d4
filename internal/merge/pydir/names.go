package pydir

import (
	"strconv"
	"strings"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/reading"
)

// suffix of the client's files.
const suffix = ".db"

// retiredMark in a file's name says that its process is dead: counter_4242.retired-1764430000000000000.db.
const retiredMark = ".retired-"

// class is what a file's name says of everything in it.
type class struct {
	kind reading.Kind
	mode merge.GaugeMode // of gauges
	live bool            // a gauge of living workers only
}

// fileName is the name of one of the client's files, taken apart.
type fileName struct {
	class
	worker  string // its pid, or what the application chose instead
	pid     int    // 0 if that is no pid
	retired bool
}

// gaugeModes are the client's words.
var gaugeModes = map[string]merge.GaugeMode{
	"all": merge.GaugeAll, "min": merge.GaugeMin, "max": merge.GaugeMax, "sum": merge.GaugeSum, "mostrecent": merge.GaugeMostRecent,
}

// parseName takes TYPE_ID.db or gauge_MODE_ID.db apart.
func parseName(base string) (fileName, bool) {
	stem, isDB := strings.CutSuffix(base, suffix)
	kind, id, hasID := strings.Cut(stem, "_")
	if !isDB || !hasID {
		return fileName{}, false
	}
	n := fileName{}
	switch kind {
	case "counter":
		n.kind = reading.Counter
	case "summary":
		n.kind = reading.Summary
	case "histogram":
		n.kind = reading.Histogram
	case "gauge":
		n.kind = reading.Gauge
		var mode string
		mode, id, hasID = strings.Cut(id, "_")
		word, live := strings.CutPrefix(mode, "live")
		known := false
		if n.mode, known = gaugeModes[word]; !known || !hasID {
			return fileName{}, false
		}
		n.live = live
	default:
		return fileName{}, false
	}
	id, _, n.retired = strings.Cut(id, retiredMark)
	if id == "" {
		return fileName{}, false
	}
	n.worker = id
	if pid, err := strconv.Atoi(id); err == nil && pid > 0 && strconv.Itoa(pid) == id {
		n.pid = pid
	}
	return n, true
}
