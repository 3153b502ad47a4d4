package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/metricrule"
	"github.com/truecount/truecount/internal/scale/metricsapi"
)

// checkRules reads the files with rules, and returns the rules that are right.
func (f *checkFlags) checkRules(r *report) *metricrule.Set {
	paths := append(f.rules.files(), f.rules.applications...)
	sources, err := metricsapi.ReadSources(paths)
	if err != nil {
		r.fail("rules", err)
	}
	if len(paths) == 0 && f.rules.selectorText == "" {
		r.add(levelError, "rules", "give --config FILE or --application FILE", "there are none")
	}
	if _, err := f.rules.selector(); err != nil {
		r.fail("rules", err)
	} else if urls, err := f.prometheus.urls(); err == nil { // else it is told of the servers
		if err := f.rules.checkServers(urls); err != nil {
			r.fail("rules", err)
		}
	}
	set, problems := metricrule.Load(metricrule.Options{}, sources...)
	for _, p := range problems {
		r.add(levelError, "rules", p.Err.Hint, "%s", p)
	}
	for _, where := range set.ResourceRules() {
		r.add(levelWarning, "rules", "metrics-server serves metrics.k8s.io: leave resourceRules out", "%s: resourceRules are not served", where)
	}
	external := 0
	for _, rule := range set.Rules() {
		if rule.Kind == metricrule.External {
			external++
		}
	}
	if external > 0 && !f.values.external {
		r.add(levelWarning, "rules", "add --external-metrics if no other program serves external.metrics.k8s.io", "%d rules of external metrics are not served", external)
	}
	if len(problems) == 0 && err == nil && len(sources) > 0 {
		r.add(levelOK, "rules", "", "%d in %s", len(set.Rules()), strings.Join(paths, ", "))
	}
	return set
}

// checkServers asks each server, and which series the rules find.
func (f *checkFlags) checkServers(ctx context.Context, r *report, set *metricrule.Set, mapper meta.RESTMapper) {
	clients, err := f.prometheus.clients(patience, func(_ string, next http.RoundTripper) http.RoundTripper { return next }, func(string, string) {})
	if err != nil {
		r.fail("prometheus", err)
		return
	}
	defer closeAll(clients)
	answering := map[string]bool{}
	for name, client := range clients {
		answering[name] = askOnce(ctx, r, name, client)
	}
	found := map[metricrule.Discovery]*metricrule.Found{}
	for _, d := range set.Discoveries() {
		client, known := clients[d.Server]
		if !known {
			r.add(levelError, "rules", "give --prometheus-server "+d.Server+"=URL", "there is no server %s, of which the series %s are to be asked", d.Server, d.Matcher)
		}
		if answering[d.Server] {
			found[d] = f.listSeries(ctx, r, d, client)
		}
	}
	if mapper == nil {
		mapper = metricrule.KnownResources()
	}
	catalog := metricrule.NewCatalog(set, mapper, found)
	for _, problem := range catalog.Problems() {
		r.add(levelError, "rules", "", "%s", problem)
	}
	r.add(levelOK, "metrics", "", "%d custom, %d external", len(catalog.Custom()), len(catalog.External()))
	slices.SortStableFunc(r.Findings, func(a, b finding) int { return strings.Compare(a.Subject, b.Subject) })
}

func askOnce(ctx context.Context, r *report, name string, client *promapi.Client) bool {
	ctx, cancel := within(ctx)
	defer cancel()
	if _, err := client.Query(ctx, "vector(1)", time.Time{}); err != nil {
		r.fail("prometheus", err)
		return false
	}
	r.add(levelOK, "prometheus", "", "%s at %s answers", shown(name), client.Server())
	return true
}

func (f *checkFlags) listSeries(ctx context.Context, r *report, d metricrule.Discovery, client *promapi.Client) *metricrule.Found {
	ctx, cancel := within(ctx)
	defer cancel()
	found, now := &metricrule.Found{}, time.Now()
	err := client.Series(ctx, []string{d.Matcher}, now.Add(-f.values.seriesMaxAge()), now, func(series labels.Labels) error {
		found.Add(series)
		return nil
	})
	switch {
	case err != nil:
		r.fail("prometheus", err)
		return nil
	case found.Series == 0:
		r.add(levelWarning, "rules", "is it scraped, and does the selector match?", "the selector %s finds no series on server %s", d.Matcher, shown(d.Server))
	}
	return found
}
