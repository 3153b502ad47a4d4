package instrumenttest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// key identifies a series; labels are sorted and written as in braces.
type key struct{ name, labels string }

func newKey(name string, labels map[string]string) key {
	var pairs []string
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		if labels[label] != "" { // to Prometheus, empty is not there
			pairs = append(pairs, label+"="+strconv.Quote(labels[label]))
		}
	}
	return key{name, strings.Join(pairs, ",")}
}

func (k key) String() string {
	if k.labels == "" {
		return k.name
	}
	return k.name + "{" + k.labels + "}"
}

func (k key) suffixed(suffix string) key { return key{k.name + suffix, k.labels} }

// read ends the test if the series cannot be read: the test is wrong, not the service.
func read(t testing.TB, series string) key {
	t.Helper()
	k, err := parse(series)
	if err != nil {
		t.Fatalf("series %q cannot be read: %v; it is written as name or name{label=\"value\"}", series, err)
	}
	return k
}

func parse(series string) (key, error) {
	series = strings.TrimSpace(series)
	name, rest, braces := strings.Cut(series, "{")
	if name = strings.TrimSpace(name); name == "" {
		return key{}, errors.New("there is no name")
	}
	labels := map[string]string{}
	if !braces {
		return newKey(name, labels), nil
	}
	for {
		rest = strings.TrimSpace(rest)
		if rest == "}" {
			return newKey(name, labels), nil
		}
		label, value, found := strings.Cut(rest, "=")
		if !found {
			return key{}, errors.New("a brace is not closed")
		}
		if label = strings.TrimSpace(label); label == "" {
			return key{}, errors.New("a label has no name")
		}
		if _, twice := labels[label]; twice {
			return key{}, fmt.Errorf("label %s is there twice", label)
		}
		value = strings.TrimSpace(value)
		quoted, err := strconv.QuotedPrefix(value)
		if err != nil {
			return key{}, fmt.Errorf("the value of label %s is not quoted", label)
		}
		labels[label], _ = strconv.Unquote(quoted)
		rest = strings.TrimSpace(value[len(quoted):])
		if after, comma := strings.CutPrefix(rest, ","); comma {
			rest = after
		} else if rest != "}" {
			return key{}, fmt.Errorf("after the value of label %s there is neither comma nor brace", label)
		}
	}
}
