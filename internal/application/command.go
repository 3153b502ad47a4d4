package application

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/truecount/truecount/internal/strictyaml"
)

// CommandOptions say what is known of a service that has no file.
type CommandOptions struct {
	// Name of the application; left out, it is made from the program's.
	Name string
	// Port that the service serves on; 0 if it serves none, or none that we hand it.
	Port int
	// Workers is the number of workers; 0 if it was not said: then the command's own -w or --workers counts, or 1.
	Workers int
	// Listener says who opens the port; "" is ListenerInherited.
	Listener Listener
	// MetricsEndpoint is the path or URL where the program itself serves its metrics; "" means that each worker serves
	// its own on a socket, as our library does.
	MetricsEndpoint string
	// Show is the name of the metric that the live strip shows; "" for none.
	Show string
}

// ForCommand returns an application for a command line. A program that is known to start its own workers (as gunicorn) is
// run with workers.manager: program. Mistakes are returned as [Errors], without a place.
func ForCommand(args []string, opts CommandOptions) (*Application, error) {
	if len(args) == 0 || args[0] == "" {
		return nil, Errors{{Path: "command", Message: "names no program", Hint: "write it behind --: truecount up -- ./my-service --flag"}}
	}
	a := bare(opts.Name, filepath.Base(args[0]))
	a.Spec.Command, a.Spec.Port = args, opts.Port
	if opts.Listener != "" {
		a.Spec.Workers.Listener = opts.Listener
	}
	arg, given := findWorkers(args)
	switch {
	case given && opts.Workers != 0:
		return nil, Errors{{Path: "command", Hint: "leave one of them out",
			Message: fmt.Sprintf("the worker count is given twice: %s in the command and %d beside it", arg.text, opts.Workers)}}
	case given:
		a.Spec.Workers.Count = arg.count
	case opts.Workers != 0:
		a.Spec.Workers.Count = opts.Workers
	}
	if given || forksWorkers(args) {
		a.Spec.Workers.Manager = ManagerProgram
	}
	a.Spec.Workers.Metrics.Endpoint = opts.MetricsEndpoint
	a.Spec.Show = opts.Show
	return a.withoutFile()
}

// ForTarget returns an application for a service that runs already and serves its metrics at a URL; http and /metrics are
// taken if the URL does not say otherwise.
func ForTarget(target string) (*Application, error) {
	wrong := func(message string) error {
		return Errors{{Path: "target", Message: message, Hint: "write it as http://127.0.0.1:8000/metrics"}}
	}
	if !strings.Contains(target, "://") {
		target = "http://" + target
	}
	u, err := url.Parse(target)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, wrong("is no http or https URL")
	case u.User != nil:
		return nil, Errors{{Path: "target", Message: "has a user and password in it", Hint: "take them out: they would be shown and logged"}}
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/metrics"
	}
	name := u.Hostname()
	if u.Port() != "" {
		name += "-" + u.Port()
	}
	a := bare("", name)
	a.Spec.Workers.Listener = ListenerOwn
	a.Spec.Workers.Metrics.Endpoint = u.String()
	return a.withoutFile()
}

// bare returns an application with its defaults and a name, made from fallback if it is "".
func bare(name, fallback string) *Application {
	a := &Application{APIVersion: APIVersion, Kind: "Application"}
	strictyaml.SetDefaults(a)
	a.Metadata.Name = name
	if name == "" {
		a.Metadata.Name = labelFrom(fallback)
	}
	return a
}

// withoutFile checks an application that does not come from a file.
func (a *Application) withoutFile() (*Application, error) {
	w := &a.Spec.Workers
	errs := a.check()
	if a.Spec.Port < 0 || a.Spec.Port > 65535 {
		errs = append(errs, &Error{Path: "port", Hint: "such as 8000",
			Message: fmt.Sprintf("want a number from 1 to 65535, got %d", a.Spec.Port)})
	}
	if w.Count < 1 || w.Count > 1024 {
		errs = append(errs, &Error{Path: "workers", Hint: "such as 4: the processes of one replica",
			Message: fmt.Sprintf("want a number from 1 to 1024, got %d", w.Count)})
	}
	if err := errs.OrNil(); err != nil {
		return nil, err
	}
	return a, nil
}

var notInLabels = regexp.MustCompile(`[^a-z0-9]+`)

// labelFrom makes a DNS label from a text.
func labelFrom(s string) string {
	s = strings.Trim(notInLabels.ReplaceAllString(strings.ToLower(s), "-"), "-")
	if len(s) > 63 {
		s = strings.TrimRight(s[:63], "-")
	}
	if s == "" {
		return "application"
	}
	return s
}

// WorkingDir returns the working directory of the command: spec.dir, a relative one from the folder of the file, or "" for
// the current one.
func (a *Application) WorkingDir() string {
	if a.Spec.Dir == "" || filepath.IsAbs(a.Spec.Dir) {
		return a.Spec.Dir
	}
	return filepath.Join(a.fileDir(), a.Spec.Dir)
}

// PythonDir is spec.workers.metrics.pythonDir, from the folder of the file; "" if it is not given.
func (a *Application) PythonDir() string {
	dir := a.Spec.Workers.Metrics.PythonDir
	if dir == "" || filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(a.fileDir(), dir)
}

// CheckTogether returns the mistakes that several applications make only together on one machine: the same name, the same
// port, ranges that overlap.
func CheckTogether(apps ...*Application) error {
	errs := duplicateNames(apps)
	for i, a := range apps {
		for _, b := range apps[:i] {
			if e := collision(a, b); e != nil {
				errs = append(errs, e)
			}
		}
	}
	return errs.OrNil()
}

// collision returns the mistake of a if it uses a port or a directory of b.
func collision(a, b *Application) *Error {
	for _, x := range a.ports() {
		for _, y := range b.ports() {
			if low, high := max(x.first, y.first), min(x.last, y.last); low <= high {
				return a.source.Errorf(x.path, "give each application ports of its own",
					"port %d is used by %s, too%s", low, b.Metadata.Name, at(b.Where(y.path)))
			}
		}
	}
	if dir := a.PythonDir(); dir != "" && filepath.Clean(dir) == filepath.Clean(b.PythonDir()) {
		const path = "spec.workers.metrics.pythonDir"
		return a.source.Errorf(path, "give each application a directory of its own",
			"the directory is that of %s, too%s", b.Metadata.Name, at(b.Where(path)))
	}
	return nil
}

// portRange is what one field of an application uses on a machine.
type portRange struct {
	path        string
	first, last int
}

func (a *Application) ports() []portRange {
	var out []portRange
	if a.Spec.Port > 0 {
		out = append(out, portRange{"spec.port", a.Spec.Port, a.Spec.Port})
	}
	if p := a.Spec.Workers.Metrics.Ports; p != nil {
		out = append(out, portRange{"spec.workers.metrics.ports.start", p.Start, p.Start + a.Spec.Workers.Count - 1})
	}
	return out
}

// firstLine cuts a text at its first line.
func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
