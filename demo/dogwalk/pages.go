package dogwalk

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/truecount/truecount/demo/service"
	"github.com/truecount/truecount/instrument"
)

// pages are the templates by name, each within the same layout.
type pages map[string]*template.Template

func parsePages(now func() time.Time) (pages, error) {
	all := pages{}
	for _, name := range []string{"overview", "start", "complete", "kennel", "alerts", "message"} {
		page, err := template.New(name).Option("missingkey=zero").Funcs(template.FuncMap{
			"metres":   metres,
			"ago":      func(t time.Time) string { return roughly(now().Sub(t)) + " ago" },
			"until":    func(t time.Time) string { return "for another " + roughly(t.Sub(now())) },
			"lasted":   roughly,
			"now":      now,
			"initial":  initial,
			"tint":     func(id int64) string { return fmt.Sprintf("tint-%d", id%6) },
			"selected": func(value, id any) bool { return fmt.Sprint(value) == fmt.Sprint(id) },
		}).ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, err
		}
		all[name] = page
	}
	return all, nil
}

// show answers with the named page.
func (a *App) show(w http.ResponseWriter, status int, name string, data any) {
	instrument.SetTemplate(w, name)
	if err := service.Render(w, status, a.pages[name], "layout", data); err != nil {
		a.log.Warn("page not sent", "page", name, "err", err)
	}
}

// patient gives the database a few seconds within the time of the request.
func patient(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), patience)
}

// metres writes a distance as people say it.
func metres(m int) string {
	if m < 1000 {
		return fmt.Sprintf("%d m", m)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(m)/1000), ".0") + " km"
}

// roughly writes a length of time in its largest unit.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func initial(name string) string {
	for _, letter := range name {
		return strings.ToUpper(string(letter))
	}
	return "?"
}
