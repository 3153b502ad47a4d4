package servicewindow_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// Whatever is typed is refused, or is a component whose metrics can be scraped.
func FuzzAFormIsRefusedOrMakesMetricsThatCanBeScraped(f *testing.F) {
	f.Add("web-shop", "team=web, tier=1", "thu", "10:00", "1.5", "UTC")
	f.Add("a", "a=\xff,b=\"\n\\", "mon", "00:00", "24", "Europe/Berlin")
	f.Add("__name__", "__name__=up", "someday", "24:00", "1e308", "../etc/passwd")
	f.Add("back_office", "le=1,quantile=2,collector=x", "sun", "23:59", "0x1p-6", "Local")
	s := newSite(f, sqliteFile(f))
	f.Fuzz(func(t *testing.T, name, labels, day, start, hours, zone string) {
		s := *s
		s.t = t
		answer := s.post("/components", url.Values{"name": {name}, "labels": {labels}, "day": {day}, "start": {start}, "hours": {hours}, "zone": {zone}})
		switch answer.Code {
		case 400, 409, 413:
			s.want([]string{`instrument_collector_success{collector="service_windows"} 1`})
			return
		case 303:
		default:
			t.Fatalf("status %d: %s", answer.Code, answer.Body)
		}
		metric := strings.ReplaceAll(strings.TrimSpace(name), "-", "_") + "_service_window_in_window"
		text := s.metrics()
		if _, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || !strings.Contains(text, "\n# TYPE "+metric+" gauge\n") {
			t.Errorf("%v; exposed:\n%s", err, windows(text))
		}
		s.want([]string{`instrument_collector_success{collector="service_windows"} 1`})
		s.exec("DELETE FROM components WHERE id > 4") // but for the seeds
	})
}
