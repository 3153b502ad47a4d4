package web

import (
	"encoding/json"
	"math"
)

// Snapshot is everything that the first page shows, at one moment.
type Snapshot struct {
	// Time is when it was taken, in Unix seconds. The page computes with it, not with the browser's clock.
	Time         float64       `json:"time"`
	Version      string        `json:"version,omitempty"`
	Applications []Application `json:"applications"`
}

// ID names an application.
type ID struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String returns "namespace/name".
func (id ID) String() string { return id.Namespace + "/" + id.Name }

// Application is one application and the state of its chain.
type Application struct {
	ID
	// Description says in one line what the application is; optional.
	Description string `json:"description,omitempty"`
	// URL is where a browser finds the application itself, "http://127.0.0.1:8000/"; optional.
	URL string `json:"url,omitempty"`
	// Try is the request that the page may send so that the metric moves; nil: no button.
	Try *Try `json:"try,omitempty"`
	// CanKill says that workers are ours and may be killed from the page.
	CanKill bool `json:"canKill"`
	// Strip is the chain of one metric; nil: this application has no strip.
	Strip *Strip `json:"strip,omitempty"`
	// Replicas in the order of their ordinals, with their workers in the order of their index.
	Replicas []Replica `json:"replicas"`
	Panels   []Panel   `json:"panels"`
	// Settings are what a reader must know to understand how fast things move here.
	Settings []Setting `json:"settings"`
}

// Try describes the request behind the page's button.
type Try struct {
	// Label is the button's text: "Hit me!".
	Label string `json:"label"`
	// Request is shown beside it: "POST /click-button".
	Request string `json:"request,omitempty"`
}

// Strip is the chain of one metric: workers → merged → per second → replicas.
type Strip struct {
	// Metric is its name: "demo_app_button_clicks_total".
	Metric string `json:"metric"`
	// Help is the metric's own help text; optional.
	Help string `json:"help,omitempty"`
	// Merged is the one true count: all workers of all replicas, and those that have ended.
	Merged Reading `json:"merged"`
	// PerSecond is Query's value: how fast the count rises, as it was last asked.
	PerSecond Reading `json:"perSecond"`
	// PerSecondQuery is the PromQL of PerSecond; the page links to it.
	PerSecondQuery string `json:"perSecondQuery,omitempty"`
	// Naive is what the last scrape of one random worker saw.
	Naive Reading `json:"naive"`
	// NaiveQuery and MergedQuery are the PromQL of the two lines: what scrapes of one random worker saw, and the merged count.
	NaiveQuery  string `json:"naiveQuery,omitempty"`
	MergedQuery string `json:"mergedQuery,omitempty"`
	// Scale is the last step; nil: nothing scales this application.
	Scale *Scale `json:"scale,omitempty"`
}

// Reading is a value and how old it is.
type Reading struct {
	Value Value `json:"value"`
	// AgeSeconds is how long before the snapshot the value was read.
	AgeSeconds float64 `json:"ageSeconds"`
	// EverySeconds is how often it is read. The page shows it as stale once it missed three of them and a second.
	EverySeconds float64 `json:"everySeconds,omitempty"`
	// Error says why there is no newer value, in the operator's words; the page then shows it; optional.
	Error string `json:"error,omitempty"`
}

// Value is a number of which NaN and the infinities mean that there is none; in JSON it is then null.
type Value float64

// NoValue returns the Value of what is not known.
func NoValue() Value { return Value(math.NaN()) }

// MarshalJSON implements [json.Marshaler].
func (v Value) MarshalJSON() ([]byte, error) {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(v))
}

// Scale is the autoscaler's last decision.
type Scale struct {
	// Wanted is what it decided, Running how many replicas there are, Ready how many of them serve.
	Wanted  int `json:"wanted"`
	Running int `json:"running"`
	Ready   int `json:"ready"`
	Min     int `json:"min"`
	Max     int `json:"max"`
	// AgeSeconds and EverySeconds are those of the decision, as in [Reading].
	AgeSeconds   float64 `json:"ageSeconds"`
	EverySeconds float64 `json:"everySeconds,omitempty"`
	// Metric is what it looks at, Value the average per replica that it saw, and Target the one it aims at.
	Metric string `json:"metric,omitempty"`
	Value  Value  `json:"value"`
	Target Value  `json:"target"`
	// Reason is the decision in words: "clicks_per_second is 16m per replica, target 10m: 2 recommended".
	Reason string `json:"reason,omitempty"`
	// Error is the reason while a metric is not known; it then holds, or grows for another metric; optional.
	Error string `json:"error,omitempty"`
}

// Replica is a group of workers: what a pod is on Kubernetes.
type Replica struct {
	// Name is "clicks-0".
	Name string `json:"name"`
	// State is a word for people: "starting", "serving", "draining", "ended".
	State   string   `json:"state"`
	Ready   bool     `json:"ready"`
	Workers []Worker `json:"workers"`
}

// Worker is one process of a replica.
type Worker struct {
	// ID is unique over all generations of workers: the same PID again is another worker.
	ID    string `json:"id"`
	Index int    `json:"index"`
	PID   int    `json:"pid"`
	// State is a word for people: "starting", "serving", "draining", "down".
	State string `json:"state"`
	// Up says that its metrics were read at the last try.
	Up bool `json:"up"`
	// Value is the strip's metric in this worker, as last read AgeSeconds ago.
	Value      Value   `json:"value"`
	AgeSeconds float64 `json:"ageSeconds"`
	// Error says why it is not up; optional.
	Error string `json:"error,omitempty"`
}

// Panel is one chart of an application.
type Panel struct {
	Title string `json:"title"`
	// Query is PromQL.
	Query string `json:"query"`
	// Unit is of Grafana's ids: "short" (also ""), "s", "ms", "bytes", "percentunit", "percent", "reqps", "ops", "m" (metres).
	Unit string `json:"unit,omitempty"`
	// Kind is "line" (also "") or "area".
	Kind string `json:"kind,omitempty"`
	// Legend is how a series is called, with {{label}} replaced by the label's value; "": its labels.
	Legend string `json:"legend,omitempty"`
	// Description says in one line what one sees; optional.
	Description string `json:"description,omitempty"`
}

// Setting is something that was chosen for this machine: {"scrape", "every 1s", "15s"}.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Usual is what it is elsewhere, if different; optional.
	Usual string `json:"usual,omitempty"`
}
