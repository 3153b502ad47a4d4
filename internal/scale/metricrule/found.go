package metricrule

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Found is what a discovery has found. It remembers names of series and of their labels, not the series: its size is that of the
// metrics, however many series there are. It is for one goroutine while it is added to.
type Found struct {
	shapes map[string]shape
	key    []byte // of the series that is added
	// Series is the number of series that were added.
	Series int
}

// shape is what all series of one name and with the same labels have in common.
type shape struct {
	series string
	labels []string
}

// Add takes in one series. Nothing is allocated for one like those before.
func (f *Found) Add(series labels.Labels) {
	f.Series++
	f.key = append(f.key[:0], series.Get(model.MetricNameLabel)...)
	series.Range(func(l labels.Label) {
		if l.Name != model.MetricNameLabel {
			f.key = append(append(f.key, separator...), l.Name...)
		}
	})
	if _, known := f.shapes[string(f.key)]; known {
		return
	}
	if f.shapes == nil {
		f.shapes = map[string]shape{}
	}
	key := string(f.key)
	parts := strings.Split(key, separator)
	f.shapes[key] = shape{parts[0], parts[1:]}
}

// With returns what f and other have found together: f itself if other has nothing that f has not. Neither is changed, and the number of
// series is that of f.
func (f *Found) With(other *Found) *Found {
	both := f
	for key, s := range other.shapes {
		if _, known := f.shapes[key]; known {
			continue
		}
		if both == f {
			both = &Found{shapes: maps.Clone(f.shapes), Series: f.Series}
			if both.shapes == nil {
				both.shapes = map[string]shape{}
			}
		}
		both.shapes[key] = s
	}
	return both
}

// separator is in no text of UTF-8.
const separator = "\xff"

// Names returns the names of the series, sorted.
func (f *Found) Names() []string {
	var out []string
	for _, s := range f.shapes {
		out = append(out, s.series)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sorted returns the shapes in an order that does not change.
func (f *Found) sorted() []shape {
	if f == nil {
		return nil
	}
	keys := make([]string, 0, len(f.shapes))
	for k := range f.shapes {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make([]shape, len(keys))
	for i, k := range keys {
		out[i] = f.shapes[k]
	}
	return out
}

func sorted(texts []string) []string {
	out := slices.Clone(texts)
	slices.Sort(out)
	return out
}
