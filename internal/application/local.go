package application

import "github.com/truecount/truecount/internal/strictyaml"

// Local says how one machine runs the applications: Kubernetes' and Prometheus' usual periods are made for clusters and
// minutes, a person at a laptop waits seconds. Durations are written as in Prometheus: 250ms, 15s, 2m, 15d.
type Local struct {
	// ScrapeInterval is the time between two scrapes of a replica (in the tutorials 5s to 15s; Prometheus' default 1m).
	ScrapeInterval Duration `yaml:"scrapeInterval" default:"1s"`
	// EvaluationInterval is the time between two evaluations of rules (Prometheus' default 1m).
	EvaluationInterval Duration `yaml:"evaluationInterval" default:"1s"`
	// ReadInterval is the time between two readings of the workers' endpoints by the merger; it bounds what is lost when a
	// worker is killed.
	ReadInterval Duration `yaml:"readInterval" default:"250ms"`
	// SyncPeriod is the time between two decisions about the number of replicas (Kubernetes' default 15s). A scrape that was
	// stored brings the next one forward, by one scrape interval at most.
	SyncPeriod Duration `yaml:"syncPeriod" default:"1s"`
	// DownscaleStabilization is how long the highest recommendation stands before the number goes down (Kubernetes'
	// default 5m). An application's own behavior comes first.
	DownscaleStabilization Duration `yaml:"downscaleStabilization" default:"15s"`
	// Retention is how long samples are kept (Prometheus' default 15d).
	Retention Duration `yaml:"retention" default:"15d"`

	source *strictyaml.Document
}

// localDocument is a document of kind Local as it is written.
type localDocument struct {
	// APIVersion is the version of the format.
	APIVersion string `yaml:"apiVersion" required:"true" enum:"truecount/v1alpha1"`
	// Kind is the kind of the document.
	Kind string `yaml:"kind" required:"true" enum:"Local"`
	// Spec are the periods of one machine.
	Spec Local `yaml:"spec"`
}

// DefaultLocal returns what a machine does when no document of kind Local says otherwise.
func DefaultLocal() *Local {
	l := &Local{}
	strictyaml.SetDefaults(l)
	return l
}
