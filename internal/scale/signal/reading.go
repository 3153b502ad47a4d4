package signal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/hpa"
)

// DefaultMaxAge is how old a sample may be, as Prometheus' look-back.
const DefaultMaxAge = 5 * time.Minute

// Sample is one series of a query's answer.
type Sample struct {
	Pod, Namespace string // its labels of these names, "" without them
	Value          float64
	Time           time.Time // when it was measured
	Err            error     // why the value is not known, if whoever asked knows already
}

// Rules say which samples count. The fields change nothing while a reading is taken.
type Rules struct {
	Namespace string        // of the pods: samples of other namespaces do not count
	MaxAge    time.Duration // a sample that is older is an error
}

// Failed is the reading of a query that failed. A query has timeout to be answered.
func Failed(err error, timeout time.Duration) hpa.Reading {
	if errors.Is(err, context.DeadlineExceeded) {
		return hpa.Reading{Err: fmt.Errorf("the query was not answered within %s", timeout)}
	}
	return hpa.Reading{Err: fmt.Errorf("the query failed: %w", err)}
}

var errNothing = errors.New("the query found nothing")

// PerPod keeps the samples of pods that exist. A pod without sample is missing, which the algorithm knows to handle; a
// sample that cannot be right makes the whole metric invalid.
func (r Rules) PerPod(samples []Sample, pods []hpa.Pod, at time.Time) hpa.Reading {
	if len(samples) == 0 {
		return hpa.Reading{Err: errNothing}
	}
	exists := lookup(pods)
	found := make(map[string]hpa.Sample, len(pods))
	var gone []string
	unlabelled := 0
	for _, s := range samples {
		if s.Pod == "" {
			unlabelled++
			continue
		}
		if s.Namespace != "" && s.Namespace != r.Namespace {
			continue
		}
		if !exists(s.Pod) {
			gone = append(gone, s.Pod)
			continue
		}
		if _, twice := found[s.Pod]; twice {
			return hpa.Reading{Err: hint.Errorf("add the series up: sum by (pod) (…)", "the query found several series for pod %s", s.Pod)}
		}
		milli, err := r.milli(s, at)
		if err != nil {
			return hpa.Reading{Err: fmt.Errorf("pod %s: %w", s.Pod, err)}
		}
		found[s.Pod] = hpa.Sample{Milli: milli, Time: s.Time}
	}
	switch {
	case len(found) > 0:
		return hpa.Reading{Pods: found}
	case unlabelled > 0:
		return hpa.Reading{Err: hint.Errorf("keep the label: sum by (pod) (…)", "the query found no series with the label pod")}
	case len(gone) > 0:
		return hpa.Reading{Err: fmt.Errorf("the query found only pods that do not exist: %s", strings.Join(gone, ", "))}
	}
	return hpa.Reading{Err: fmt.Errorf("the query found nothing in namespace %s", r.Namespace)}
}

// lookup returns what tells whether a pod exists. Of few it is quickest to look at each.
func lookup(pods []hpa.Pod) func(name string) bool {
	const few = 20
	if len(pods) <= few {
		return func(name string) bool {
			return slices.ContainsFunc(pods, func(p hpa.Pod) bool { return p.Name == name })
		}
	}
	names := make(map[string]bool, len(pods))
	for i := range pods {
		names[pods[i].Name] = true
	}
	return func(name string) bool { return names[name] }
}

// Whole takes all series of an object or external metric; the algorithm wants one of the former and adds up the latter.
func (r Rules) Whole(samples []Sample, at time.Time) hpa.Reading {
	if len(samples) == 0 {
		return hpa.Reading{Err: errNothing}
	}
	reading := hpa.Reading{Values: make([]int64, len(samples))}
	for i, s := range samples {
		milli, err := r.milli(s, at)
		if err != nil {
			return hpa.Reading{Err: err}
		}
		reading.Values[i] = milli
		if i == 0 || s.Time.Before(reading.Time) {
			reading.Time = s.Time
		}
	}
	return reading
}

func (r Rules) milli(s Sample, at time.Time) (int64, error) {
	if s.Err != nil {
		return 0, s.Err
	}
	if age := at.Sub(s.Time); age > r.MaxAge {
		// Rounded up: 5m0s is not more than 5m0s.
		return 0, fmt.Errorf("the value is %s old, more than %s", (age + time.Second - 1).Truncate(time.Second), r.MaxAge)
	}
	return hpa.Milli(s.Value)
}
