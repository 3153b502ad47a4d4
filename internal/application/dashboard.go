package application

// Dashboard lists the charts of an application.
type Dashboard struct {
	// Panels are the charts, in their order. Left out, they are made from the signals.
	Panels []Panel `yaml:"panels,omitempty"`
}

// Panel is one chart.
type Panel struct {
	// Title of the chart.
	Title string `yaml:"title" required:"true"`
	// Description says in one line what one sees.
	Description string `yaml:"description,omitempty"`
	// Query is a PromQL expression; each series that it returns is a line.
	Query string `yaml:"query" required:"true"`
	// Legend names the lines; {{label}} stands for the value of a label. Left out, it is the series' labels.
	Legend string `yaml:"legend,omitempty"`
	// Unit of the values, one of Grafana's: short is a plain number, s and ms seconds and milliseconds, reqps and ops per
	// second, percentunit from 0 to 1, lengthm metres.
	Unit string `yaml:"unit" default:"short" enum:"short,s,ms,bytes,percentunit,percent,reqps,ops,lengthm"`
	// Kind of the chart: lines, filled lines, or the newest value as a number.
	Kind string `yaml:"kind" default:"line" enum:"line,area,stat"`
}
