// Package metricrule turns the rules of an adapter configuration into the metrics of Kubernetes' custom and external metrics APIs,
// and a request for one of them into a PromQL query.
//
// The rules are those of prometheus-adapter, read unchanged: discovery (seriesQuery, seriesFilters), association (resources), naming
// (name) and querying (metricsQuery). There is one way through the package:
//
//	sources ─▶ Set ─▶ Discoveries ─▶ (the server's series) ─▶ Found ─▶ Catalog ─▶ Query ─▶ (the server's samples) ─▶ Reading
//
// A [Source] is one document and the namespace that owns it. [Set.Replace] reads it, strictly; a rule with a mistake is a [Problem]
// with its place in the file, and the last good rule in that place stays. [Set.Discoveries] says which series are looked for,
// [Found] remembers what is there, and [NewCatalog] says which metrics that gives. [Catalog.Query] writes the query for a request, and
// [Query.Read] takes its answer apart.
//
// What a request says (names, the namespace, a selector) never passes through text: a template is executed with placeholders, its
// result is parsed, and matchers take the placeholders' place in the parsed expression. In the queries of a source that has a
// namespace, every selector is bound to it.
//
// The package is pure: no clock, no input or output, no goroutine. A Set and a Catalog don't change and may be used by many
// goroutines at once.
package metricrule
