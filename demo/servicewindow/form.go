package servicewindow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/truecount/truecount/demo/service"
	"github.com/truecount/truecount/demo/servicewindow/store"
	"github.com/truecount/truecount/demo/servicewindow/window"
)

var errTooLarge = errors.New("the form is too large")

var (
	dayNames       = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	suggestedZones = []string{"UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney"}
)

// componentName is what the form takes: with "-" as "_" it begins the names of metrics.
var componentName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,59}$`)

// labelName is Prometheus' own rule; names that begin with two underscores are Prometheus' own.
var labelName = regexp.MustCompile(`^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9_]*$`)

const (
	longestLabel = 100
	mostLabels   = 16
)

// A form holds what was typed, and by field what is wrong with it.
type form struct {
	Values map[string]string
	Days   []string
	Wrong  map[string]string
}

func newForm() form {
	return form{Values: map[string]string{"start": "09:00", "hours": "8", "zone": "UTC"}, Days: dayNames[:5], Wrong: map[string]string{}}
}

// On reports whether a day is chosen.
func (f form) On(day string) bool { return slices.Contains(f.Days, day) }

// addComponent takes the posted form.
func (a *App) addComponent(w http.ResponseWriter, r *http.Request) {
	f, err := readForm(w, r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	component := f.component()
	if len(f.Wrong) > 0 {
		a.components(w, r, http.StatusBadRequest, f)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	switch _, err := a.store.Add(ctx, component); {
	case errors.Is(err, store.ErrTaken):
		f.Wrong["name"] = "There is a component whose metrics have these names: “-” and “_” are the same in them."
		a.components(w, r, http.StatusConflict, f)
	case errors.Is(err, store.ErrFull):
		f.Wrong["name"] = fmt.Sprintf("There are %d components: delete one first.", store.MaxComponents)
		a.components(w, r, http.StatusConflict, f)
	case err != nil:
		a.fail(w, r, err)
	default:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	f := form{Values: map[string]string{}, Wrong: map[string]string{}}
	r.Body = http.MaxBytesReader(w, r.Body, service.MaxForm)
	err := r.ParseForm()
	for _, field := range []string{"name", "labels", "start", "hours", "zone"} {
		f.Values[field] = strings.TrimSpace(r.PostForm.Get(field))
	}
	f.Days = r.PostForm["day"]
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return f, errTooLarge
	}
	if err != nil {
		f.Wrong[""] = "The form could not be read."
	}
	return f, nil
}

func (f form) component() store.Component {
	c := store.Component{Name: f.Values["name"], Labels: f.labels()}
	if !componentName.MatchString(c.Name) {
		f.Wrong["name"] = "Please enter a name of lower-case letters, digits, “-” and “_” that begins with a letter."
	}
	var err error
	if c.Window.Days, err = window.ParseDays(strings.Join(f.Days, ",")); err != nil {
		f.Wrong["day"] = "Please choose at least one day."
	}
	if c.Window.Start, err = window.ParseTimeOfDay(f.Values["start"]); err != nil {
		f.Wrong["start"] = "Please enter a time from 00:00 to 23:59."
	}
	hours, err := strconv.ParseFloat(f.Values["hours"], 64)
	c.Window.Length = time.Duration(hours*60+0.5) * time.Minute
	if err != nil || !(hours > 0 && hours <= 24) || c.Window.Length < time.Minute {
		f.Wrong["hours"] = "Please enter up to 24 hours, as 1.5."
	}
	if c.Window.Zone, err = window.ParseZone(f.Values["zone"]); err != nil {
		f.Wrong["zone"] = "Please enter a time zone like Europe/Berlin or UTC."
	}
	return c
}

// labels reads team=web, tier=1.
func (f form) labels() map[string]string {
	labels := map[string]string{}
	for part := range strings.SplitSeq(f.Values["labels"], ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, found := strings.Cut(part, "=")
		if !found || !labelName.MatchString(name) || len(part) > longestLabel || strings.ContainsRune(value, 0) {
			f.Wrong["labels"] = "Please enter labels as team=web, tier=1."
			continue
		}
		labels[name] = value
	}
	if len(labels) > mostLabels {
		f.Wrong["labels"] = fmt.Sprintf("Please enter at most %d labels.", mostLabels)
	}
	return labels
}
