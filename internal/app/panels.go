package app

import (
	"fmt"
	"maps"
	"slices"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/web"
)

// panels are the charts of the application file, or one per signal if it has none, or what every service has.
func (s *service) panels() []web.Panel {
	panels := []web.Panel{}
	for _, p := range s.application.Spec.Dashboard.Panels {
		panels = append(panels, panelView(p))
	}
	if len(panels) > 0 {
		return panels
	}
	signals := s.application.Queries()
	for _, name := range slices.Sorted(maps.Keys(signals)) {
		panels = append(panels, web.Panel{Title: name, Query: signals[name], Unit: "short"})
	}
	if len(panels) == 0 {
		return s.plainPanels()
	}
	return panels
}

// plainPanels are the charts of a service that says nothing of itself, as one that was started by its command alone: what
// is known of every target, and what nearly every client library exposes.
func (s *service) plainPanels() []web.Panel {
	id := s.id()
	selector := fmt.Sprintf("{namespace=%q,service=%q}", id.Namespace, id.Name)
	panels := []web.Panel{
		{Title: "Up", Description: "replicas that answer scrapes", Query: "sum(up" + selector + ")", Legend: "up", Unit: "short"},
		{Title: "CPU", Description: "processor seconds a second", Query: "sum(rate(process_cpu_seconds_total" + selector + "[1m]))", Legend: "cpu", Unit: "short"},
		{Title: "Series", Description: "series of the last scrape", Query: "sum(scrape_samples_post_metric_relabeling" + selector + ")", Legend: "series", Unit: "short"},
	}
	if metric := s.application.Spec.Show; metric != "" {
		panels = append([]web.Panel{{Title: metric, Description: "a second, over a minute", Query: s.perSecondQuery(), Legend: "per second", Unit: "ops"}}, panels...)
	}
	return panels
}

func panelView(p application.Panel) web.Panel {
	return web.Panel{Title: p.Title, Description: p.Description, Query: p.Query, Legend: p.Legend, Unit: p.Unit, Kind: p.Kind}
}

// settings are how fast things move here, and how fast they do where nobody waits for them.
func (s *service) settings() []web.Setting {
	settings := []web.Setting{
		{Name: "workers read", Value: "every " + s.local.ReadInterval.String()},
		{Name: "scrape", Value: "every " + s.local.ScrapeInterval.String(), Usual: "15s"},
	}
	if s.scaler == nil {
		return settings
	}
	settings = append(settings, web.Setting{Name: "autoscaler sync", Value: "every " + s.local.SyncPeriod.String(), Usual: "15s"})
	if behavior := s.application.Spec.Scale.Behavior; behavior == nil || behavior.ScaleDown == nil {
		settings = append(settings, web.Setting{Name: "fewer replicas after", Value: s.local.DownscaleStabilization.String(), Usual: "5m"})
	}
	for _, on := range s.application.Spec.Scale.On {
		if window := s.application.Window(on.Signal); window != 0 {
			settings = append(settings, web.Setting{Name: "rate window", Value: window.String()})
		}
		if on.AverageValue != nil {
			settings = append(settings, web.Setting{Name: "target per replica", Value: on.AverageValue.String()})
		}
	}
	return settings
}
