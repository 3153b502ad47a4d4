package servicewindow

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/truecount/truecount/demo/servicewindow/store"
	"github.com/truecount/truecount/demo/servicewindow/window"
	"github.com/truecount/truecount/instrument/dynamic"
)

func parsePage() (*template.Template, error) {
	return template.New("").Option("missingkey=zero").ParseFS(files, "templates/*.html")
}

// The picture of a component's windows shows the last day and the six to come.
const (
	shownBefore = 24 * time.Hour
	shownAfter  = 6 * 24 * time.Hour
)

// componentsPage lists the components and takes a new one.
type componentsPage struct {
	Components []card
	In         int // how many are in their window
	New        form
	Days       []string
	Zones      []string
	Metrics    bool // whether /metrics is on this port
	NowAt      float64
}

// A card is what the page says of a component.
type card struct {
	ID      int64
	Name    string
	Metric  string // what its metrics' names begin with
	Labels  []string
	Rule    string // when it is in service, in words
	State   string // until when, or from when
	In      bool
	Bars    []bar
	Problem string
}

// A bar is a window in the picture: positions in percent.
type bar struct {
	X, Width float64
	Title    string
}

func (a *App) showComponents(w http.ResponseWriter, r *http.Request) {
	a.components(w, r, http.StatusOK, newForm())
}

func (a *App) components(w http.ResponseWriter, r *http.Request, status int, f form) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	list, err := a.store.Components(ctx)
	if err != nil && len(list) == 0 {
		a.fail(w, r, err)
		return
	}
	page := componentsPage{New: f, Days: dayNames, Zones: suggestedZones, Metrics: !a.opts.MetricsApart}
	page.NowAt = percent(shownBefore)
	now := a.opts.Now()
	for _, c := range list {
		shown := newCard(c, now)
		page.Components = append(page.Components, shown)
		if shown.In {
			page.In++
		}
	}
	a.show(w, status, "components", page)
}

func newCard(c store.Component, now time.Time) card {
	shown := card{ID: c.ID, Name: c.Name, Metric: dynamic.MetricName(c.Name)}
	if c.Problem != nil {
		shown.Problem = strings.ReplaceAll(c.Problem.Error(), "\n", "; ")
		return shown
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		shown.Labels = append(shown.Labels, name+"="+c.Labels[name])
	}
	m := c.Window.At(now)
	shown.In = m.In
	shown.Rule = rule(c.Window)
	shown.State = "from " + clock(m.NextStart, now) + ", in " + roughly(m.NextStart.Sub(now))
	if m.In {
		shown.State = "until " + clock(m.NextEnd, now) + ", for another " + roughly(m.NextEnd.Sub(now))
	}
	from, to := now.Add(-shownBefore), now.Add(shownAfter)
	for _, s := range c.Window.Between(from, to) {
		x, end := percent(max(0, s.From.Sub(from))), percent(min(to.Sub(from), s.To.Sub(from)))
		shown.Bars = append(shown.Bars, bar{X: x, Width: end - x, Title: s.From.Format("Mon 15:04") + " to " + s.To.Format("Mon 15:04")})
	}
	return shown
}

func percent(d time.Duration) float64 {
	return float64(d) * 100 / float64(shownBefore+shownAfter)
}

// rule says when a component is in service.
func rule(w window.Window) string {
	return fmt.Sprintf("%s from %s for %s, %s", daysInWords(w.Days), w.Start, roughly(w.Length), w.Zone)
}

func daysInWords(days window.Days) string {
	switch days {
	case window.On(time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday):
		return "Monday to Friday"
	case 1<<7 - 1:
		return "every day"
	}
	var names []string
	for i := range 7 {
		if day := time.Weekday((i + 1) % 7); days.Has(day) {
			names = append(names, day.String())
		}
	}
	if len(names) > 2 {
		for i := range names {
			names[i] = names[i][:3]
		}
		return strings.Join(names, ", ")
	}
	return strings.Join(names, " and ")
}

// clock writes a moment in the component's own zone, with the day if it is not today there.
func clock(t, now time.Time) string {
	if t.Format(time.DateOnly) == now.In(t.Location()).Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("Mon 15:04")
}

// roughly writes a length of time in one or two units.
func roughly(d time.Duration) string {
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case d > 48*time.Hour:
		return fmt.Sprintf("%d days", days)
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return fmt.Sprintf("%d min", minutes)
	case minutes == 0:
		return fmt.Sprintf("%d h", days*24+hours)
	}
	return fmt.Sprintf("%d h %d min", days*24+hours, minutes)
}

// listComponents is the page for programs.
func (a *App) listComponents(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	list, err := a.store.Components(ctx)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	type component struct {
		ID       int64             `json:"id"`
		Name     string            `json:"name"`
		Labels   map[string]string `json:"labels"`
		InWindow bool              `json:"inWindow"`
		Problem  string            `json:"problem,omitempty"`
	}
	all := []component{}
	for _, c := range list {
		one := component{ID: c.ID, Name: c.Name, Labels: c.Labels}
		if c.Problem != nil {
			one.Problem = c.Problem.Error()
		} else {
			one.InWindow = c.Window.At(a.opts.Now()).In
		}
		all = append(all, one)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(all); err != nil {
		a.log.Warn("answer not sent", "err", cmp.Or(ctx.Err(), err))
	}
}
