package metricsapi

import (
	"crypto/sha256"
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// rules are the rules of all sources as they were last read. They belong to the goroutine that reads them; the
// [metricrule.Set] that it makes of them doesn't change and is handed on.
type rules struct {
	set     *metricrule.Set
	read    map[sourceKey]version // that the set was made of
	crowded []metricrule.Problem  // of texts that there is no room for, by namespace
}

type sourceKey struct{ namespace, name string }

// version is the data of a source.
type version struct {
	sum  [sha256.Size]byte
	size int
}

func newRules(o metricrule.Options) *rules {
	return &rules{set: metricrule.NewSet(o), read: map[sourceKey]version{}}
}

// take puts what was read into the set and says whether that changed it, or what is wrong. A source that is gone takes its rules
// along. One that could not be read keeps them.
func (r *rules) take(all []text, unreadable []string) (changed bool) {
	present := map[sourceKey]bool{}
	for _, name := range unreadable {
		present[sourceKey{"", name}], present[sourceKey{"", filepath.Clean(name)}] = true, true
	}
	for _, t := range all {
		present[t.key()] = true
	}
	removed := r.removeAllBut(present)
	placed := r.place(r.changed(all))
	return removed || placed
}

// removeAllBut removes the sources that are gone.
func (r *rules) removeAllBut(present map[sourceKey]bool) (changed bool) {
	for _, key := range slices.Collect(maps.Keys(r.read)) {
		// Of a folder that cannot be read nobody knows which files are gone.
		if !present[key] && !(key.namespace == "" && present[sourceKey{"", filepath.Dir(key.name)}]) {
			r.set = r.set.Remove(key.namespace, key.name)
			delete(r.read, key)
			changed = true
		}
	}
	return changed
}

// changed returns the texts that are not in the set as they are now: first those that do not become larger, and so make room.
func (r *rules) changed(all []text) []text {
	var smaller, larger []text
	for _, t := range all {
		old, known := r.read[t.key()]
		switch {
		case known && old.sum == sha256.Sum256(t.data):
		case known && len(t.data) <= old.size:
			smaller = append(smaller, t)
		default:
			larger = append(larger, t)
		}
	}
	return append(smaller, larger...)
}

// place puts texts into the set that there is room for. What has been read goes before what comes, and then the order is that of names.
func (r *rules) place(texts []text) (changed bool) {
	taken, without := r.room(), map[string]*crowded{}
	for _, t := range texts {
		old, known := r.read[t.key()]
		if taken.admit(t, old, known) {
			r.read[t.key()] = version{sha256.Sum256(t.data), len(t.data)}
			r.set = r.set.Replace(metricrule.Source{Name: t.name, Data: t.data, Namespace: t.namespace})
			changed = true
			continue
		}
		if without[t.namespace] == nil {
			without[t.namespace] = &crowded{first: t, known: known}
		}
		without[t.namespace].count++
	}
	var problems []metricrule.Problem
	for _, namespace := range slices.Sorted(maps.Keys(without)) {
		problems = append(problems, without[namespace].problem())
	}
	changed = changed || !slices.EqualFunc(problems, r.crowded, func(a, b metricrule.Problem) bool { return a.String() == b.String() })
	r.crowded = problems
	return changed
}

// problems returns all that is wrong.
func (r *rules) problems() []metricrule.Problem { return slices.Concat(r.set.Problems(), r.crowded) }

// readSources reads all files, and what is known of ConfigMaps. The errors are of files that cannot be read.
func (a *API) readSources() (all []text, unreadable []string, err error) {
	var errs []error
	for _, f := range readFiles(slices.Concat(a.o.Files, a.o.Applications)) {
		if f.err != nil {
			unreadable = append(unreadable, f.path)
			errs = append(errs, f.err)
			continue
		}
		all = append(all, text{name: f.path, data: f.data})
	}
	if a.configMaps != nil {
		all = append(all, a.configMaps.texts()...)
	}
	return all, unreadable, errors.Join(errs...)
}

// load reads the sources and publishes what changed. It tells each problem once.
func (a *API) load() {
	if a.configMaps == nil || a.configMaps.ready() {
		defer a.relist.sourcesRead()
	}
	all, unreadable, err := a.readSources()
	if err != nil {
		a.o.Logger.Error("rules cannot be read; what was read before holds", "err", err)
	}
	if !a.rules.take(all, unreadable) {
		return
	}
	set := a.rules.set
	problems := a.rules.problems()
	a.tellProblems(set, problems)
	for _, d := range a.model.replace(set) {
		a.o.Metrics.forget(d)
	}
	a.publish()
	a.o.Logger.Info("rules were read", "sources", len(a.rules.read), "rules", len(set.Rules()), "problems", len(problems))
	a.relist.wake()
}

func (a *API) tellProblems(set *metricrule.Set, problems []metricrule.Problem) {
	now := map[string]bool{}
	for _, p := range problems {
		line := p.String()
		now[line] = true
		if !a.told[line] {
			a.o.Logger.Error("a rule is refused", "problem", line, "hint", p.Err.Hint)
		}
	}
	for _, rule := range set.Rules() {
		if _, known := a.o.Servers[rule.Server]; !known {
			line := rule.Origin + ": server " + rule.Server
			now[line] = true
			if !a.told[line] {
				a.o.Logger.Error("a rule names a server that is not known", "rule", rule.Origin, "server", rule.Server, "hint", "give --prometheus-server "+rule.Server+"=URL")
			}
		}
	}
	a.told = now
	a.o.Metrics.countRules(a.rules, problems, a.o.Now())
}
