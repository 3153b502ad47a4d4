package migrate

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Text writes the report for a terminal.
func (r *Report) Text(w io.Writer) error {
	p := &printer{w: w}
	p.rules(r.Rules)
	if len(r.Differences) > 0 {
		p.printf("What differs, or may surprise:\n\n")
		for _, d := range r.Differences {
			p.difference(d)
		}
		p.printf("\n")
	}
	for _, a := range r.Autoscalers {
		p.autoscaler(a)
	}
	p.printf("What differs for every configuration:\n\n")
	for _, d := range r.General {
		p.difference(d)
	}
	return p.err
}

// printer writes until the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) difference(d Difference) {
	where := ""
	if d.Where != "" {
		where = d.Where + ": "
	}
	p.printf("  %s: %s%s\n", d.ID, where, d.What)
	if d.Hint != "" {
		p.printf("      hint: %s\n", d.Hint)
	}
}

// maxMetrics bounds how many metrics of a rule are listed; JSON has all.
const maxMetrics = 20

func (p *printer) rules(rules []Rule) {
	for _, r := range rules {
		p.printf("%s: %s rule of %s: %s\n", r.Where, r.Kind, r.SeriesQuery, count(len(r.Metrics), "metric"))
		if r.Note != "" {
			p.printf("  (%s)\n", r.Note)
		}
		table := tabwriter.NewWriter(p, 0, 4, 2, ' ', 0)
		for i, m := range r.Metrics {
			if i == maxMetrics {
				fmt.Fprintf(table, "  … and %d more\n", len(r.Metrics)-i)
				break
			}
			name := m.Name
			if m.Resource != "" {
				name = m.Resource + "/" + m.Name
			}
			if m.Error != "" {
				fmt.Fprintf(table, "  %s\terror: %s\n", name, m.Error)
			} else {
				fmt.Fprintf(table, "  %s\t%s\n", name, m.Query)
			}
		}
		if err := table.Flush(); p.err == nil {
			p.err = err
		}
		p.printf("\n")
	}
}

// Write makes a printer a writer.
func (p *printer) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.w.Write(b)
	p.err = err
	return n, err
}

func (p *printer) autoscaler(a Autoscaler) {
	p.printf("%s: HorizontalPodAutoscaler %s of %s\n", a.Where, a.Name, a.Version)
	for _, c := range a.Changes {
		p.printf("  changed: %s\n", c)
	}
	for _, m := range a.Metrics {
		name := strings.TrimPrefix(m.Resource+"/"+m.Name, "/")
		p.printf("  %s: %s\n", name, m.State)
	}
	p.printf("\n")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Manifests returns the autoscalers in autoscaling/v2, as one file.
func (r *Report) Manifests() string {
	texts := make([]string, len(r.Autoscalers))
	for i, a := range r.Autoscalers {
		texts[i] = a.YAML
	}
	return strings.Join(texts, "---\n")
}
