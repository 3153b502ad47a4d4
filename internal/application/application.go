package application

import "github.com/truecount/truecount/internal/strictyaml"

// APIVersion is the version of the format that this package reads.
const APIVersion = "truecount/v1alpha1"

// File is what one file says: its documents of kind Application in their order, and the one of kind Local.
type File struct {
	// Name is the name that the file was read by, as errors show it.
	Name string
	// Applications are the documents of kind Application, in the order of the file.
	Applications []*Application
	// Local is the document of kind Local, or nil if the file has none; see [DefaultLocal].
	Local *Local
}

// Application is one document of kind Application: a service, its workers, and what acts on its numbers.
type Application struct {
	// APIVersion is the version of the format.
	APIVersion string `yaml:"apiVersion" required:"true" enum:"truecount/v1alpha1"`
	// Kind is the kind of the document.
	Kind string `yaml:"kind" required:"true" enum:"Application"`
	// Metadata names the application.
	Metadata Metadata `yaml:"metadata" required:"true"`
	// Spec says what the application is.
	Spec Spec `yaml:"spec" required:"true"`

	source *strictyaml.Document
}

// Metadata names an application, in Kubernetes' terms.
type Metadata struct {
	// Name of the application: lower-case letters, digits and "-", at most 63. It is also the name of its Service and
	// Deployment on Kubernetes, of its replicas (name-0, name-1 …) on one machine, and the value of the label service.
	Name string `yaml:"name" required:"true"`
	// Namespace on Kubernetes, and the value of the label namespace everywhere.
	Namespace string `yaml:"namespace" default:"default"`
	// Labels of the application's objects on Kubernetes.
	Labels map[string]string `yaml:"labels,omitempty"`
}

// Spec says what an application is.
type Spec struct {
	// Image is the container image that runs the application on Kubernetes. Nothing reads it yet.
	Image string `yaml:"image,omitempty"`
	// Command starts one worker (or, with workers.manager: program, the program that starts its own), as a list of the
	// program and its arguments. No shell is involved.
	Command []string `yaml:"command,omitempty"`
	// Dir is the working directory of the command; a relative one starts at the folder of this file.
	Dir string `yaml:"dir,omitempty"`
	// Env are environment variables of the command. The ones that tell a worker its part (LISTEN_*, NOTIFY_SOCKET,
	// METRICS_START_PORT, WEB_CONCURRENCY, TRUECOUNT_*) are set for you and cannot be given.
	Env map[string]string `yaml:"env,omitempty"`
	// Port is the TCP port that the application serves on.
	Port int `yaml:"port,omitempty" min:"1" max:"65535"`
	// Workers says how many processes one replica has and where their metrics are.
	Workers Workers `yaml:"workers"`
	// MetricsAuth protects /metrics on Kubernetes. Nothing reads it yet; on one machine the workers' endpoints are on loopback
	// and no password is asked for.
	MetricsAuth *MetricsAuth `yaml:"metricsAuth,omitempty"`
	// Signals are the numbers that something acts on, each named once and used by its name.
	Signals map[string]Signal `yaml:"signals,omitempty"`
	// Scale says how many replicas run. Left out, it is one.
	Scale *Scale `yaml:"scale,omitempty"`
	// Objectives are the promises made about the service. Nothing acts on them yet.
	Objectives []Objective `yaml:"objectives,omitempty"`
	// Alerts are Prometheus alerting rules.
	Alerts []Alert `yaml:"alerts,omitempty"`
	// Dashboard lists the charts of the application.
	Dashboard Dashboard `yaml:"dashboard,omitempty"`
	// Try is a request that the local page may send, so that a number moves.
	Try *Try `yaml:"try,omitempty"`
	// Health is where the application says that it is well. Nothing on one machine asks it: a worker is ready when it says so.
	Health *Health `yaml:"health,omitempty"`
	// Show is the name of the metric that the live strip shows. Left out, it is the counter in the query of the first
	// signal that scales.
	Show string `yaml:"show,omitempty"`
}

// MetricsAuth protects /metrics by one secret that all who need it share.
type MetricsAuth struct {
	// BasicAuthSecret names the Kubernetes Secret (keys username and password) for basic auth.
	BasicAuthSecret string `yaml:"basicAuthSecret" required:"true"`
}

// Signal is a number that something acts on.
type Signal struct {
	// Query is the PromQL expression of the number. A signal that scales by averageValue and is counted per replica
	// keeps the label pod.
	Query string `yaml:"query" required:"true"`
}

// Objective is a promise made about the service.
type Objective struct {
	// Use names the preset that says what is counted, as http-availability.
	Use string `yaml:"use" required:"true"`
	// Target is the share that must be good, in percent, above 0 and below 100.
	Target float64 `yaml:"target" required:"true"`
}

// Alert is one alerting rule, in Prometheus' own words.
type Alert struct {
	// Alert is the name of the alert.
	Alert string `yaml:"alert" required:"true"`
	// Expr is the PromQL expression; each series that it returns is an alert.
	Expr string `yaml:"expr" required:"true"`
	// For is how long the expression must hold before the alert fires.
	For Duration `yaml:"for,omitempty"`
	// Labels are added to the alert.
	Labels map[string]string `yaml:"labels,omitempty"`
	// Annotations tell people about the alert; Prometheus' templates work.
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// Try is a request that the local page may send, so that a number moves.
type Try struct {
	// Method of the request.
	Method string `yaml:"method" default:"POST" enum:"GET,POST,PUT,PATCH,DELETE"`
	// Path of the request, beginning with "/".
	Path string `yaml:"path" required:"true"`
	// Label is what the button says.
	Label string `yaml:"label" default:"Hit me!"`
}

// Health is where an application says that it is well.
type Health struct {
	// Path answers 200 to GET while the application is well; it begins with "/".
	Path string `yaml:"path" required:"true"`
}
