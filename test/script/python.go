package script

import (
	"regexp"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

var pythonSample = regexp.MustCompile(`^(\w+):(\w+)=(.+)$`)

// pythonWorker writes what a worker with Python's client has counted. The worker is gone then; its files are not.
func pythonWorker(ts *testscript.TestScript, _ bool, args []string) {
	w := pydirtest.NewWorker(ts.MkAbs(args[0]), args[1], pydirtest.Since018)
	for _, arg := range args[2:] {
		part := pythonSample.FindStringSubmatch(arg)
		if part == nil {
			ts.Fatalf("%s is no sample", arg)
		}
		kind, name, help := part[1], part[2], "Help of "+part[2]+"."
		value, err := strconv.ParseFloat(part[3], 64)
		ts.Check(err)
		switch kind {
		case "counter":
			w.Counter(name, help).Add(value)
		case "histogram":
			w.Histogram(name, help, []float64{1, 10}).Observe(value)
		default:
			w.Gauge(kind, name, help).Set(value)
		}
	}
	ts.Check(w.Close())
}
