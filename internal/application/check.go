package application

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/truecount/truecount/internal/strictyaml"
)

// checker collects the mistakes of one document that its types alone do not show.
type checker struct {
	source     *strictyaml.Document
	errs       Errors
	queryBytes int // of PromQL so far
}

func (c *checker) fail(path, hint, format string, args ...any) {
	c.errs = append(c.errs, c.source.Errorf(path, hint, format, args...))
}

// check returns the mistakes in a decoded application.
func (a *Application) check() Errors {
	c := &checker{source: a.source}
	c.metadata(&a.Metadata)
	c.command(&a.Spec)
	c.workers(&a.Spec)
	if a.source != nil { // without a file, the command is the one place
		c.workerCount(&a.Spec)
	}
	c.queries(&a.Spec)
	c.scale(&a.Spec)
	c.alerts(a)
	c.panels(a.Spec.Dashboard.Panels)
	c.page(&a.Spec)
	for i, o := range a.Spec.Objectives {
		if !(o.Target > 0 && o.Target < 100) {
			c.fail(fmt.Sprintf("spec.objectives[%d].target", i), "write it in percent, as 99.9", "want a number above 0 and below 100, got %v", o.Target)
		}
	}
	return c.errs
}

func (c *checker) metadata(m *Metadata) {
	for _, name := range []struct{ path, text string }{{"metadata.name", m.Name}, {"metadata.namespace", m.Namespace}} {
		missing := name.text == "" && !c.source.Given(name.path) // reported as such
		if !missing && len(validation.IsDNS1123Label(name.text)) > 0 {
			c.fail(name.path, "use 1 to 63 lower-case letters, digits and -, as dog-walk-2; begin and end with a letter or digit",
				"%s cannot be a name on Kubernetes", strictyaml.Quote(name.text))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.Labels)) {
		path := strictyaml.Join("metadata.labels", key)
		if len(validation.IsQualifiedName(key)) > 0 {
			c.fail(path, "use at most 63 letters, digits, - _ and .; a domain and / may stand before it", "%s cannot be the name of a label", strictyaml.Quote(key))
		}
		if len(validation.IsValidLabelValue(m.Labels[key])) > 0 {
			c.fail(path, "use at most 63 letters, digits, - _ and .", "%s cannot be the value of a label", strictyaml.Quote(m.Labels[key]))
		}
	}
}

func (c *checker) command(s *Spec) {
	if len(s.Command) == 0 && c.source.Given("spec.command") || len(s.Command) > 0 && s.Command[0] == "" {
		c.fail("spec.command", "write the program and its arguments as a list: [clicks]", "names no program")
	}
	if len(s.Command) == 1 && strings.Contains(s.Command[0], " ") && !strings.ContainsAny(s.Command[0], "/\\") {
		c.fail("spec.command[0]", "write each argument as an item: ["+strings.Join(strings.Fields(s.Command[0]), ", ")+"]",
			"%s is one word with spaces in it; no shell takes it apart", strictyaml.Quote(s.Command[0]))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		path := strictyaml.Join("spec.env", name)
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			c.fail(path, "", "%s cannot be the name of an environment variable", strictyaml.Quote(name))
		case strings.HasPrefix(name, "LISTEN_") || strings.HasPrefix(name, "TRUECOUNT_") || name == "NOTIFY_SOCKET":
			c.fail(path, "leave it out", "%s is set for each worker and cannot be given", name)
		case name == "METRICS_START_PORT":
			c.fail(path, "leave it out and give spec.workers.metrics: {ports: {start: …}}", "%s is set from spec.workers.metrics.ports.start and cannot be given", name)
		}
	}
}

// page checks what the local page uses.
func (c *checker) page(s *Spec) {
	path := func(field, value string) {
		if !strings.HasPrefix(value, "/") || strings.HasPrefix(value, "//") || strings.ContainsAny(value, " \t\r\n#") {
			c.fail(field, "write a path of the application, as /click-button", "want a path that begins with /, got %s", strictyaml.Quote(value))
		}
		if s.Port == 0 && !c.source.Given("spec.port") {
			c.fail(field, "add spec.port", "the application has no port")
		}
	}
	if s.Try != nil {
		path("spec.try.path", s.Try.Path)
	}
	if s.Health != nil {
		path("spec.health.path", s.Health.Path)
	}
	if s.Show != "" && !model.LegacyValidation.IsValidMetricName(s.Show) {
		c.fail("spec.show", "name one metric, as demo_app_button_clicks_total", "%s is not the name of a metric", strictyaml.Quote(s.Show))
	}
}

// check returns the mistakes in a decoded document of kind Local.
func (l *Local) check() Errors {
	c := &checker{source: l.source}
	for _, d := range []struct {
		name  string
		value Duration
	}{
		{"scrapeInterval", l.ScrapeInterval}, {"evaluationInterval", l.EvaluationInterval}, {"readInterval", l.ReadInterval},
		{"syncPeriod", l.SyncPeriod}, {"retention", l.Retention},
	} {
		if d.value < Duration(shortest) {
			c.fail("spec."+d.name, "", "want at least %s, got %s", Duration(shortest), d.value)
		}
	}
	return c.errs
}

// duplicateNames refuses two applications of one name in one namespace.
func duplicateNames(apps []*Application) Errors {
	var errs Errors
	first := map[string]*Application{}
	for _, a := range apps {
		key := a.Metadata.Namespace + "/" + a.Metadata.Name
		if a.Metadata.Name == "" {
			continue
		}
		if other, ok := first[key]; ok {
			errs = append(errs, a.source.Errorf("metadata.name", "give each application a name of its own",
				"there is an application %s in namespace %s already%s", a.Metadata.Name, a.Metadata.Namespace, at(other.Where("metadata.name"))))
			continue
		}
		first[key] = a
	}
	return errs
}

// at words a place, if there is one.
func at(where string) string {
	if where == "" {
		return ""
	}
	return ": " + where
}
