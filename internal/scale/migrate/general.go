package migrate

// general are the differences that do not depend on the configuration. docs/reference/adapter-rules.md explains them; a test holds both
// together.
var general = []Difference{
	{ID: "not-a-number", What: "a value that is NaN or infinite is an error with the reason; prometheus-adapter serves NaN as 0",
		Hint: "where no data should count as 0, say it in the query: … or vector(0)"},
	{ID: "age", What: "a value carries the time of its newest sample, and one that is older than --value-max-age is an error; prometheus-adapter stamps the time of the request on custom metrics"},
	{ID: "no-data", What: "an object without a sample is left out of a list, and a list of none is an error (404); prometheus-adapter may answer an empty list"},
	{ID: "last-wins", What: "a metric that two rules or series make is an error that names both; of prometheus-adapter's the last rule wins without a word"},
	{ID: "one-series", What: "several series for one object are an error; prometheus-adapter takes one of them"},
	{ID: "all-objects", What: "a request for all pods asks for all series of the namespace, and not by a regular expression of all names"},
	{ID: "literal-values", What: "values of a selector and names are taken literally, also dots; prometheus-adapter lets them be regular expressions"},
	{ID: "names-in-utf8", What: "of a series' name in UTF-8, everything but letters, digits, _ and : becomes _ in the metric's name"},
	{ID: "one-bad-rule", What: "a rule with a mistake, or a query that fails, takes only its own metrics away; prometheus-adapter does not start, or forgets all metrics"},
	{ID: "selectors", What: "a selector with Gt or Lt, or one that selects nothing, is an error that says so"},
	{ID: "other-namespaces", What: "a series whose namespace label is another one than that of the request is left out, also where the query does not ask for the namespace"},
}
