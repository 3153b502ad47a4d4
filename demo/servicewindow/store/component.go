package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/truecount/truecount/demo/servicewindow/window"
)

// Errors that callers tell apart with errors.Is. Everything else means that the database did not do its work.
var (
	// ErrNotFound means that there is no component with that id.
	ErrNotFound = errors.New("not found")
	// ErrTaken means that there is a component of that name, or of one that gives its metrics the same names.
	ErrTaken = errors.New("the name is taken")
	// ErrFull means that there are as many components as there may be.
	ErrFull = errors.New("there are too many components")
	// ErrNotReady means that the database has not answered yet, or that its table is being made.
	ErrNotReady = errors.New("the database is not ready")
)

// A Component is something that is in service at some times.
type Component struct {
	ID     int64
	Name   string
	Labels map[string]string
	Window window.Window
	// Problem is what is wrong with a row that was written by somebody else; then Window and Labels mean nothing.
	Problem error
}

const (
	maxLabels     = 16
	maxLabelsJSON = 4 << 10
)

// row is a component as the table has it.
type row struct {
	id                                  int64
	name, labels, weekdays, start, zone string
	minutes                             int64
}

// component reads a row. Anybody who can write to the table can write nonsense.
func (r row) component() Component {
	c := Component{ID: r.id, Name: r.name}
	var problems [4]error
	c.Labels, problems[0] = parseLabels(r.labels)
	c.Window.Days, problems[1] = window.ParseDays(r.weekdays)
	c.Window.Start, problems[2] = window.ParseTimeOfDay(r.start)
	c.Window.Zone, problems[3] = window.ParseZone(r.zone)
	c.Window.Length = time.Duration(r.minutes) * time.Minute
	if c.Problem = errors.Join(problems[:]...); c.Problem == nil {
		c.Problem = c.Window.Check()
	}
	return c
}

func parseLabels(text string) (map[string]string, error) {
	if len(text) > maxLabelsJSON {
		return nil, fmt.Errorf("the labels have %d bytes: want at most %d", len(text), maxLabelsJSON)
	}
	labels := map[string]string{}
	if err := json.Unmarshal([]byte(text), &labels); err != nil {
		return nil, fmt.Errorf(`%.60q are no labels: want an object of texts like {"team": "web"}`, text)
	}
	if len(labels) > maxLabels {
		return nil, fmt.Errorf("%d labels: want at most %d", len(labels), maxLabels)
	}
	return labels, nil
}
