package application

// Manager says who starts the workers of a replica.
type Manager string

// The managers.
const (
	// ManagerTruecount starts each worker itself.
	ManagerTruecount Manager = "truecount"
	// ManagerProgram is a program that starts its own workers, as gunicorn does; one of it runs per replica.
	ManagerProgram Manager = "program"
)

// Listener says who opens the application's port.
type Listener string

// The listeners.
const (
	// ListenerInherited is opened before the workers start and handed to them by the socket-activation convention.
	ListenerInherited Listener = "inherited"
	// ListenerOwn is opened by the program itself.
	ListenerOwn Listener = "own"
)

// Publish says what a scrape of one replica sees.
type Publish string

// The ways to publish.
const (
	// PublishMerged is one endpoint with the true count of all workers.
	PublishMerged Publish = "merged"
	// PublishPerWorker is one endpoint for each worker.
	PublishPerWorker Publish = "perWorker"
)

// GaugeMode says how the gauges of several workers become one.
type GaugeMode string

// Workers says how many processes one replica has and where their metrics are.
type Workers struct {
	// Count is the number of worker processes of one replica. This is the only place to give it: a count that is also
	// given to the command (-w, --workers) or in env (WEB_CONCURRENCY) is an error, because the two drift apart.
	Count int `yaml:"count" default:"1" min:"1" max:"1024"`
	// Manager says who starts the workers: truecount, or the program itself (as gunicorn does), which then runs once
	// per replica.
	Manager Manager `yaml:"manager" default:"truecount" enum:"truecount,program"`
	// Listener says who opens the application's port: inherited is opened once and handed to all workers by the
	// socket-activation convention, so that no connection is lost when workers come and go; own is opened by the program.
	Listener Listener `yaml:"listener" default:"inherited" enum:"inherited,own"`
	// Metrics says where the metrics of the workers are. Left out, it is sockets.
	Metrics Metrics `yaml:"metrics"`
	// Gauges says how gauges of several workers become one, by metric name (* at the beginning or end stands for anything):
	// sum, min, max, mostrecent, or all, which keeps each worker's own with a label pid. Left out, they are added up, except
	// those that are known to mean something else, such as process_start_time_seconds and *_timestamp_seconds.
	Gauges map[string]GaugeMode `yaml:"gauges,omitempty" enum:"sum,min,max,mostrecent,all"`
	// Publish says what a scrape sees: merged is one endpoint with the true count of all workers; perWorker is the ports
	// metrics-1 … metrics-N, and needs metrics.ports.
	Publish Publish `yaml:"publish" default:"merged" enum:"merged,perWorker"`
}

// Metrics says where the metrics of the workers are. Exactly one of its fields is given.
type Metrics struct {
	// Ports: each worker serves its metrics on the first free port of a range that is as long as workers.count.
	Ports *Ports `yaml:"ports,omitempty"`
	// Sockets: each worker serves its metrics on a unix socket of its own. Nothing to configure: write {}.
	Sockets *Sockets `yaml:"sockets,omitempty"`
	// PythonDir is the multiprocess directory of Python's client; a relative one starts at the folder of this file. The
	// program finds it in PROMETHEUS_MULTIPROC_DIR, which is set for it, and with more than one replica a directory of the
	// replica's name in it. It is made, and what the client has left in it removed, before the first process of a replica
	// starts and after the last has ended.
	PythonDir string `yaml:"pythonDir,omitempty"`
	// Endpoint is where the program itself serves the metrics of all its workers: a path on the application's port, or a
	// whole http or https URL of a program that runs already.
	Endpoint string `yaml:"endpoint,omitempty"`
}

// Ports is a range of ports, one for each worker.
type Ports struct {
	// Start is the first port of the range (METRICS_START_PORT); the last one is start + workers.count - 1.
	Start int `yaml:"start" required:"true" min:"1" max:"65535"`
}

// Sockets has nothing to configure.
type Sockets struct{}
