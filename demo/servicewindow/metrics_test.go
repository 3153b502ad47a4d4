package servicewindow_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/truecount/truecount/demo/database"
)

func TestTheMetricsAreTheTutorialsWithTheRowsLabelsAndTheLastEndIsTheLast(t *testing.T) {
	each(t, func(t *testing.T, address database.Address) {
		s := newSite(t, address)
		s.exec(insert, "web-shop", `{"team":"web","tier":"1"}`, "mon,tue,wed,thu,fri", "09:00", 480, "Europe/Berlin")
		unix := func(day, hour int) string {
			return fmt.Sprintf("%g", float64(time.Date(2025, 11, day, hour, 0, 0, 0, time.UTC).Unix()))
		}
		s.want([]string{ // 09:00 in Berlin is 08:00 in UTC; it is Thursday the 20th, 12:00
			`web_shop_service_window_last_start{team="web",tier="1"} ` + unix(20, 8),
			`web_shop_service_window_last_end{team="web",tier="1"} ` + unix(19, 16),
			`web_shop_service_window_next_start{team="web",tier="1"} ` + unix(21, 8),
			`web_shop_service_window_next_end{team="web",tier="1"} ` + unix(20, 16),
			`web_shop_service_window_in_window{team="web",tier="1"} 1`,
			`nightly_batch_service_window_in_window{team="operations",tier="3"} 0`,
			`instrument_collector_success{collector="service_windows"} 1`,
		})
	})
}

func TestARowIsThereAtTheNextScrapeAndGoneAtTheNext(t *testing.T) {
	each(t, func(t *testing.T, address database.Address) {
		s := newSite(t, address)
		s.want(nil, "new_one_service_window")
		s.exec(insert, "new-one", `{"stage":"beta"}`, "thu", "11:00", 120, "UTC")
		s.want([]string{`new_one_service_window_in_window{stage="beta"} 1`})
		s.exec(`UPDATE components SET labels = '{"stage":"final"}', start_time = '13:00' WHERE name = 'new-one'`)
		s.want([]string{`new_one_service_window_in_window{stage="final"} 0`}, "beta")
		s.exec(`DELETE FROM components WHERE name = 'new-one'`)
		s.want([]string{`instrument_collector_success{collector="service_windows"} 1`}, "new_one_service_window")
	})
}

func TestARowThatIsNoWindowIsAnErrorAndHidesNoOther(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	s.exec(insert, "odd", `{}`, "someday", "09:00", 60, "UTC")
	s.want([]string{
		`checkout_service_window_in_window{team="payments",tier="1"} 1`,
		`instrument_collector_success{collector="service_windows"} 0`,
	}, "odd_service_window")
	if text := s.metrics(); !strings.Contains(text, `instrument_collector_failures_total{collector="service_windows",reason="error"} 2`) {
		t.Errorf("two scrapes failed in part; counted: %s", grep(text, "failures_total"))
	}
	if !strings.Contains(s.log.String(), "odd") || !strings.Contains(s.log.String(), "someday") {
		t.Errorf("the log does not say which row: %s", s.log)
	}
	if page := s.get("/").Body.String(); !strings.Contains(page, "This row is no service window") || !strings.Contains(page, "someday") {
		t.Error("the page does not say which row")
	}
	s.exec(`UPDATE components SET weekdays = 'thu' WHERE name = 'odd'`)
	s.want([]string{"odd_service_window_in_window 0", `instrument_collector_success{collector="service_windows"} 1`})
}

func TestHostileRowsStayInsideTheExposition(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	s.exec(insert, "9 lives\n# TYPE x", `{"a b":"\"\n</script>\u0000","__name__":"up","ünï":"ö"}`, "thu", "11:00", 120, "UTC")
	s.exec(insert, "__name__", `{"a":"1","a ":"2"}`, "thu", "11:00", 120, "UTC") // "a " collides with "a_" only when made valid
	problems, err := promlint.New(strings.NewReader(s.metrics())).Lint()
	if err != nil {
		t.Errorf("the exposition does not parse: %v", err)
	}
	for _, p := range problems {
		t.Logf("lint: %s: %s", p.Metric, p.Text)
	}
	if text := s.metrics(); !strings.Contains(text, "_9_lives___TYPE_x_service_window_in_window{") || strings.Contains(text, "\n# TYPE x") {
		t.Errorf("exposed as:\n%s", windows(text))
	}
	if page := s.get("/").Body.String(); strings.Contains(page, "</script>") {
		t.Error("the page shows the label as HTML")
	}
}

func TestMetricsAreLintClean(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	s.get("/")
	problems, err := promlint.New(strings.NewReader(s.metrics())).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("problems %v, %v", problems, err)
	}
}
