package application

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/truecount/truecount/internal/strictyaml"
)

// alerts checks the alerting rules by the check that the server itself makes.
func (c *checker) alerts(a *Application) {
	first := map[string]int{}
	for i, alert := range a.Spec.Alerts {
		at := fmt.Sprintf("spec.alerts[%d]", i)
		if c.query(at+".expr", alert.Expr) == nil || alert.Alert == "" {
			if alert.Alert == "" && c.source.Given(at+".alert") {
				c.fail(at+".alert", "", "is empty")
			}
			continue
		}
		if j, ok := first[alert.Alert]; ok {
			c.fail(at+".alert", "give each alert a name of its own", "there is an alert %s already%s", strictyaml.Quote(alert.Alert), c.place(fmt.Sprintf("spec.alerts[%d].alert", j)))
		}
		first[alert.Alert] = i
		for _, name := range slices.Sorted(maps.Keys(alert.Labels)) {
			if !model.LegacyValidation.IsValidLabelName(name) || name == model.MetricNameLabel {
				c.fail(strictyaml.Join(at+".labels", name), "use letters, digits and _", "%s cannot be the name of a label", strictyaml.Quote(name))
			}
		}
		c.rule(at, alert)
	}
}

// rule adds what Prometheus says about a rule, that the checks before did not say.
func (c *checker) rule(at string, alert Alert) {
	if len(c.errs) > 0 && strictyaml.Within(c.errs[len(c.errs)-1].Path, at) {
		return
	}
	r := alert.rule()
	for _, e := range r.Validate(rulefmt.RuleNode{}, model.LegacyValidation, parser.NewParser(parser.Options{})) {
		c.fail(at, "", "Prometheus refuses this rule: %s", firstLine(e.Error()))
	}
}

// rule returns the alert in Prometheus' type.
func (a *Alert) rule() rulefmt.Rule {
	return rulefmt.Rule{Alert: a.Alert, Expr: a.Expr, For: model.Duration(a.For), Labels: a.Labels, Annotations: a.Annotations}
}

// RuleGroup returns the alerts as one group of a Prometheus rule file, named after the application; ok is false if there
// are none.
func (a *Application) RuleGroup() (group rulefmt.RuleGroup, ok bool) {
	group.Name = a.Metadata.Namespace + "/" + a.Metadata.Name
	for _, alert := range a.Spec.Alerts {
		group.Rules = append(group.Rules, alert.rule())
	}
	return group, len(group.Rules) > 0
}

// panels checks the charts.
func (c *checker) panels(panels []Panel) {
	for i, p := range panels {
		c.query(fmt.Sprintf("spec.dashboard.panels[%d].query", i), p.Query)
	}
}
