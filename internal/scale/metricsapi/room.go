package metricsapi

import (
	"fmt"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// What is read of the ConfigMaps of one namespace: whoever may write there could else fill the adapter's memory with them, and its time
// with reading them. It is many times what the rules that a namespace may have can be written in.
const (
	maxTexts     = metricrule.MaxOwnedRules // keys of ConfigMaps; one without a rule is of no use
	maxTextBytes = 4 << 20
)

// room is what the texts of each namespace take that have been read.
type room map[string]usage

type usage struct{ texts, bytes int }

// room returns what is taken now. The operator's own files need none.
func (r *rules) room() room {
	taken := room{}
	for key, v := range r.read {
		taken.add(key.namespace, usage{1, v.size})
	}
	return taken
}

func (m room) add(namespace string, u usage) {
	m[namespace] = usage{m[namespace].texts + u.texts, m[namespace].bytes + u.bytes}
}

// admit says whether there is room for a text in the place of its old version, and takes it.
func (m room) admit(t text, old version, known bool) bool {
	more := usage{1, len(t.data) - old.size}
	if known {
		more.texts = 0
	}
	now := m[t.namespace]
	if t.namespace != "" && (now.texts+more.texts > maxTexts || now.bytes+more.bytes > maxTextBytes) {
		return false
	}
	m.add(t.namespace, more)
	return true
}

// crowded are the texts of one namespace that there is no room for: the first by name, and how many there are.
type crowded struct {
	first text
	known bool // its last version stays
	count int
}

func (c *crowded) problem() metricrule.Problem {
	what := fmt.Sprintf("there is no room for it: with it the ConfigMaps of the namespace %s have more than %d keys with rules, or more than %d MiB",
		c.first.namespace, maxTexts, maxTextBytes>>20)
	if c.count > 1 {
		what += fmt.Sprintf("; nor for %d others", c.count-1)
	}
	p := metricrule.NotRead(metricrule.Source{Name: c.first.name, Namespace: c.first.namespace}, what, "put rules together, and take comments out")
	p.Kept, p.More = c.known, c.count-1
	return p
}
