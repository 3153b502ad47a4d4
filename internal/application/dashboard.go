package application

// Dashboard lists the charts of an application.
type Dashboard struct {
	// Panels are the charts, in their order. Left out, they are made from the signals.
	Panels []Panel `yaml:"panels,omitempty"`
}

// Panel is one chart. Exactly one of query and queries is given.
type Panel struct {
	// Title of the chart.
	Title string `yaml:"title" required:"true"`
	// Query is a PromQL expression; each series that it returns is a line, named by its labels.
	Query string `yaml:"query,omitempty"`
	// Queries are several PromQL expressions in one chart.
	Queries []PanelQuery `yaml:"queries,omitempty"`
	// Unit of the values; ratio is from 0 to 1 and shown in percent.
	Unit string `yaml:"unit" default:"none" enum:"none,perSecond,seconds,bytes,metres,ratio,percent"`
	// Kind of the chart: lines over time, or the newest value as a number.
	Kind string `yaml:"kind" default:"lines" enum:"lines,number"`
}

// PanelQuery is one of several expressions in a chart.
type PanelQuery struct {
	// Query is a PromQL expression.
	Query string `yaml:"query" required:"true"`
	// Legend names the lines; {{label}} stands for the value of a label.
	Legend string `yaml:"legend,omitempty"`
}

// Lines returns the panel's queries, whichever way they were given.
func (p *Panel) Lines() []PanelQuery {
	if p.Query != "" {
		return []PanelQuery{{Query: p.Query}}
	}
	return p.Queries
}
