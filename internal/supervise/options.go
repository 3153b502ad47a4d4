package supervise

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/hint"
)

// Manager says who starts the workers of a replica.
type Manager string

const (
	// ManagerTruecount starts Workers processes of the command per replica. It is the default.
	ManagerTruecount Manager = "truecount"
	// ManagerProgram starts one process of the command per replica, which forks its own workers (gunicorn); it finds
	// their number in WEB_CONCURRENCY.
	ManagerProgram Manager = "program"
)

// Metrics says where the metrics of workers are: [Sockets], [Ports], [Directory] or [None]. Nil is None.
type Metrics interface{ isMetrics() }

// Sockets has every worker serve its metrics on a unix socket <pid>.sock in its replica's directory, which is told in
// TRUECOUNT_METRICS_DIR.
type Sockets struct{}

// Ports has every worker serve its metrics on the first free port of its replica's own range. The range of the replica
// with ordinal n begins at Start + n*Workers and is Workers long; its start is told in METRICS_START_PORT.
type Ports struct{ Start int }

// Directory has all workers of a replica write their metrics to one directory.
type Directory struct {
	// Variable tells them which.
	Variable string
	// Of is the directory of a replica, by the replica's name. It has to be absolute.
	Of func(replica string) string
	// Clean makes the directory, or empties it of what was written before. It is called before the first process of a replica
	// is started and after its last has ended.
	Clean func(dir string) error
}

// None leaves metrics to the program.
type None struct{}

func (Sockets) isMetrics()   {}
func (Ports) isMetrics()     {}
func (Directory) isMetrics() {}
func (None) isMetrics()      {}

// Options says what a [Service] runs. Name, Command, Workers and RuntimeDir are required.
type Options struct {
	// Name of the application; replicas are named after it. Namespace is used in logs only.
	Name, Namespace string
	// Command is the program and its arguments. A program without a slash is looked up in PATH, one with a slash
	// is relative to Dir.
	Command []string
	// Dir is the working directory of the workers; "" is the supervisor's own.
	Dir string
	// Env holds KEY=value entries that are added to the supervisor's own environment. What the supervisor itself sets
	// (LISTEN_FDS, NOTIFY_SOCKET, WEB_CONCURRENCY, …) wins over them.
	Env []string
	// Listen is the TCP address of the shared socket, as 127.0.0.1:8000; port 0 takes a free one. "" means that the
	// program binds its own.
	Listen string
	// Workers is the number of worker processes per replica, at least 1.
	Workers int
	Manager Manager
	Metrics Metrics
	// RuntimeDir is where sockets live, one directory per replica. It is created with mode 0700. Its path has to be
	// short: the path of a unix socket is limited to about 100 bytes.
	RuntimeDir string
	// DrainTimeout is how long a worker may take to end after SIGTERM before its group is killed; 0 is 30 s.
	DrainTimeout time.Duration
	// ReadyAfter is how long a worker that does not notify has to live to count as ready; 0 is 1 s.
	ReadyAfter time.Duration
	// Replicas is the number at the start. MaxReplicas is the most that Scale accepts; 0 is 10, or Replicas if that is more.
	Replicas, MaxReplicas int

	// Logger may be nil.
	Logger *slog.Logger
	// Registerer takes the supervisor's own metrics while the Service lives, with a label application; may be nil.
	Registerer prometheus.Registerer
	// Output receives what workers write to standard output and error, one Write per line, prefixed with the worker's
	// name. Workers never wait for it: lines that it is too slow for are dropped and counted. Nil discards.
	Output io.Writer
	// Now is the clock of StartedAt, time-outs and back-off; nil is time.Now.
	Now func() time.Time
}

const (
	defaultDrainTimeout = 30 * time.Second // Kubernetes' terminationGracePeriodSeconds
	defaultReadyAfter   = time.Second
	defaultMaxReplicas  = 10
	maxPort             = 65535
)

// A name becomes part of file names and of label values, as a pod's name does on Kubernetes (RFC 1123 label).
var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

func (o *Options) setDefaults() {
	if o.Manager == "" {
		o.Manager = ManagerTruecount
	}
	if o.Metrics == nil {
		o.Metrics = None{}
	}
	if o.DrainTimeout <= 0 {
		o.DrainTimeout = defaultDrainTimeout
	}
	if o.ReadyAfter <= 0 {
		o.ReadyAfter = defaultReadyAfter
	}
	if o.MaxReplicas == 0 {
		o.MaxReplicas = max(defaultMaxReplicas, o.Replicas)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// validate is called after setDefaults.
func (o *Options) validate() error {
	if !validName.MatchString(o.Name) {
		return hint.Errorf("use lower-case letters, digits and dashes, at most 63 of them, as in clicks",
			"application name %q is not valid", o.Name)
	}
	if o.Workers < 1 {
		return hint.Errorf("set workers.count to 1 or more", "%s: %d workers per replica", o.Name, o.Workers)
	}
	if o.Manager != ManagerTruecount && o.Manager != ManagerProgram {
		return hint.Errorf(`use "truecount", or "program" if the program forks its own workers`,
			"%s: unknown worker manager %q", o.Name, o.Manager)
	}
	if o.Replicas < 0 || o.MaxReplicas < o.Replicas {
		return hint.Errorf("set a number from 0 to the maximum",
			"%s: %d replicas, maximum %d", o.Name, o.Replicas, o.MaxReplicas)
	}
	if err := o.validateRuntimeDir(); err != nil {
		return err
	}
	return o.validatePorts()
}

// validateRuntimeDir makes RuntimeDir absolute, as workers may run in another directory, and checks that the paths of
// all sockets will fit.
func (o *Options) validateRuntimeDir() error {
	if o.RuntimeDir == "" {
		return fmt.Errorf("%s: no runtime directory given", o.Name)
	}
	abs, err := filepath.Abs(o.RuntimeDir)
	if err != nil {
		return fmt.Errorf("%s: runtime directory: %w", o.Name, err)
	}
	o.RuntimeDir = abs
	longest := filepath.Join(abs, replicaName(o.Name, o.ordinalLimit()-1), longestSocket)
	if len(longest) > maxSocketPath {
		return hint.Errorf("choose a shorter runtime directory, such as one below /tmp",
			"%s: runtime directory %s is too long: the socket %s would need %d bytes, the system allows %d",
			o.Name, abs, longest, len(longest), maxSocketPath)
	}
	return nil
}

func (o *Options) validatePorts() error {
	ports, ok := o.Metrics.(Ports)
	if !ok {
		return nil
	}
	if ports.Start < 1 || ports.Start > maxPort {
		return hint.Errorf("choose one from 1 to 65535, such as 5001", "%s: metrics port %d is not a port", o.Name, ports.Start)
	}
	if last := o.lastMetricsPort(); last > maxPort {
		return hint.Errorf(fmt.Sprintf("start at %d or lower", maxPort-o.MaxReplicas*o.Workers+1),
			"%s: %d replicas of %d workers need the metrics ports %d to %d, beyond %d",
			o.Name, o.MaxReplicas, o.Workers, ports.Start, last, maxPort)
	}
	return nil
}

// checkAppPort is called with the port that is really bound, as Listen may have asked for a free one.
func (o *Options) checkAppPort(port int) error {
	ports, ok := o.Metrics.(Ports)
	if !ok || port < ports.Start || port > o.lastMetricsPort() {
		return nil
	}
	return hint.Errorf("move the application's port or the start of the metrics ports",
		"%s: the application's port %d lies within its metrics ports %d to %d (%d replicas of %d workers)",
		o.Name, port, ports.Start, o.lastMetricsPort(), o.MaxReplicas, o.Workers)
}

func (o *Options) lastMetricsPort() int {
	return o.startPort(o.MaxReplicas) - 1
}

// startPort returns the first metrics port of a replica, 0 if it has none.
func (o *Options) startPort(ordinal int) int {
	if ports, ok := o.Metrics.(Ports); ok {
		return ports.Start + ordinal*o.Workers
	}
	return 0
}

// ordinalLimit returns how many ordinals there are. A replica that drains keeps its ordinal, so that nothing is mixed
// up in its directory or its target; twice as many as replicas let new ones start at once while all the old ones drain.
// Port ranges are scarce and were checked: with them a new replica waits for the ordinal to become free.
func (o *Options) ordinalLimit() int {
	if _, ok := o.Metrics.(Ports); ok {
		return max(o.MaxReplicas, 1)
	}
	return max(2*o.MaxReplicas, 1)
}

// processes returns how many processes of the command a replica is started with.
func (o *Options) processes() int {
	if o.Manager == ManagerProgram {
		return 1
	}
	return o.Workers
}
