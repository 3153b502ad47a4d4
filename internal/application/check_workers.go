package application

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/strictyaml"
)

// shortest is the shortest period that one machine is asked to keep.
const shortest = 50 * time.Millisecond

// workers checks where the workers' metrics are, and that no ports collide.
func (c *checker) workers(s *Spec) {
	m := &s.Workers.Metrics
	const at = "spec.workers.metrics"
	var given []string
	for _, name := range []string{"ports", "sockets", "pythonDir", "endpoint"} {
		if c.source.Given(at + "." + name) {
			given = append(given, name)
		}
	}
	switch {
	case c.source.Given(at) && len(given) == 0:
		c.fail(at, "write sockets: {} if the workers use our library", "want exactly one of ports, sockets, pythonDir and endpoint, got none")
	case len(given) > 1:
		c.fail(at, "leave one", "want exactly one of ports, sockets, pythonDir and endpoint, got %s", strings.Join(given, " and "))
	}
	if !m.set() {
		m.Sockets = &Sockets{}
	}
	if m.Ports != nil {
		c.portRange(s)
	}
	if c.source.Given(at+".endpoint") || m.Endpoint != "" {
		c.endpoint(s)
	}
	if c.source.Given(at+".pythonDir") && m.PythonDir == "" {
		c.fail(at+".pythonDir", "name the folder of PROMETHEUS_MULTIPROC_DIR", "is empty")
	}
	for _, name := range []string{"PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"} {
		if value, set := s.Env[name]; set && m.PythonDir != "" {
			c.fail(strictyaml.Join("spec.env", name), "leave it out here: the program gets it from "+at+".pythonDir",
				"the directory is given twice: %s here, %s in %s.pythonDir", strictyaml.Shorten(value), m.PythonDir, at)
		}
	}
	if s.Workers.Publish == PublishPerWorker && m.Ports == nil {
		c.fail("spec.workers.publish", "give metrics: {ports: {start: 5001}}, or leave publish out", "perWorker needs spec.workers.metrics.ports")
	}
}

// set says whether one of the ways was given.
func (m *Metrics) set() bool {
	return m.Ports != nil || m.Sockets != nil || m.PythonDir != "" || m.Endpoint != ""
}

func (c *checker) portRange(s *Spec) {
	const at = "spec.workers.metrics.ports.start"
	start, last := s.Workers.Metrics.Ports.Start, s.Workers.Metrics.Ports.Start+s.Workers.Count-1
	switch {
	case start == 0:
	case last > 65535:
		c.fail(at, fmt.Sprintf("begin at %d or below", 65535-s.Workers.Count+1),
			"a range of %d workers that begins at %d ends at %d; the last port is 65535", s.Workers.Count, start, last)
	case s.Port >= start && s.Port <= last:
		c.fail(at, fmt.Sprintf("begin at %d, or move spec.port", s.Port+1),
			"the range %d to %d has the application's own port %d in it%s", start, last, s.Port, c.place("spec.port"))
	}
}

// place words where another field was written, if it was.
func (c *checker) place(path string) string {
	if !c.source.Given(path) {
		return ""
	}
	pos := c.source.Position(path)
	return fmt.Sprintf(" (line %d, column %d)", pos.Line, pos.Column)
}

func (c *checker) endpoint(s *Spec) {
	const at = "spec.workers.metrics.endpoint"
	value := s.Workers.Metrics.Endpoint
	if strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") {
		if s.Port == 0 && !c.source.Given("spec.port") {
			c.fail(at, "add spec.port, or write a whole URL", "the application has no port")
		}
		return
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		c.fail(at, "write a path as /metrics, or a URL as http://127.0.0.1:8000/metrics", "is neither a path nor an http or https URL")
	case u.User != nil:
		c.fail(at, "take them out; spec.metricsAuth names a secret", "has a user and password in it")
	}
}

// workerCount refuses a number of workers in a second place: two numbers drift apart, and the metrics of workers that
// nobody expects are lost without a word.
func (c *checker) workerCount(s *Spec) {
	const field = "spec.workers.count"
	second := func(where, text string) {
		if c.source.Given(field) {
			c.fail(where, "leave it out here: the workers get WEB_CONCURRENCY from "+field,
				"the worker count is given twice: %s here, %d in %s%s", text, s.Workers.Count, field, c.place(field))
			return
		}
		c.fail(where, "give it as "+field+" and leave it out here", "the worker count is given here (%s) and not in %s", text, field)
	}
	if arg, ok := findWorkers(s.Command); ok {
		second(fmt.Sprintf("spec.command[%d]", arg.index), arg.text)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		value := s.Env[name]
		switch name {
		case "WEB_CONCURRENCY", "UVICORN_WORKERS", "GRANIAN_WORKERS":
			second(strictyaml.Join("spec.env", name), name+"="+strictyaml.Shorten(value))
		case "GUNICORN_CMD_ARGS":
			if arg, ok := findWorkers(append([]string{"gunicorn"}, strings.Fields(value)...)); ok {
				second(strictyaml.Join("spec.env", name), arg.text)
			}
		}
	}
}

// workersArgument is a number of workers among the arguments of a command.
type workersArgument struct {
	index int    // of the argument
	text  string // as written
	count int
}

// findWorkers finds a number of workers among the arguments of a command, as gunicorn, uvicorn, hypercorn, puma and uWSGI
// take it: -w 4, -w4, --workers 4, --workers=4, --processes 4.
func findWorkers(command []string) (workersArgument, bool) {
	for i, arg := range command {
		if i == 0 {
			continue
		}
		if arg == "--" {
			break
		}
		for _, flag := range []string{"-w", "--workers", "--processes"} {
			if arg == flag && i+1 < len(command) {
				if n, ok := count(command[i+1]); ok {
					return workersArgument{i, arg + " " + command[i+1], n}, true
				}
			}
			prefix := flag
			if strings.HasPrefix(flag, "--") {
				prefix += "="
			}
			if value, found := strings.CutPrefix(arg, prefix); found {
				if n, ok := count(value); ok {
					return workersArgument{i, arg, n}, true
				}
			}
		}
	}
	return workersArgument{}, false
}

// count reads a number of workers.
func count(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0
}

// forksWorkers says whether a program starts its own workers, by what is known of it.
func forksWorkers(command []string) bool {
	for i, arg := range command {
		if i > 2 { // python -m gunicorn
			break
		}
		switch path.Base(arg) {
		case "gunicorn", "uvicorn", "hypercorn", "granian", "puma", "uwsgi":
			return true
		}
	}
	return false
}
