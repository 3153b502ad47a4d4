package instrument_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/truecount/truecount/instrument"
)

func TestAFunctionOfTheApplicationThatPanicsHarmsNoRequest(t *testing.T) {
	for name, change := range map[string]func(*instrument.Options){
		"Route":  func(o *instrument.Options) { o.Route = func(*http.Request) string { panic("broken hook") } },
		"Secure": func(o *instrument.Options) { o.Secure = func(*http.Request) bool { panic("broken hook") } },
		"Trace": func(o *instrument.Options) {
			o.Trace = func(*http.Request) (instrument.Trace, bool) { panic("broken hook") }
		},
		"Served": func(o *instrument.Options) {
			o.Served = func(*http.Request, instrument.Served) { panic("broken hook") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			var logged logBuffer
			m, reg := newMetrics(t, extended, change, func(o *instrument.Options) { o.Logger = logged.logger() })
			h := m.Outermost(m.Middleware(http.HandlerFunc(page)))
			for range 3 {
				if rec := serve(h, "GET", "/"); rec.Body.String() != "hello" {
					t.Errorf("answered %q", rec.Body)
				}
			}
			expectRequests(t, reg, `{method="GET",route="unmatched",status="200"} 3`)
			expectNone(t, m, "http_panics_total")
			text := logged.String()
			if strings.Count(text, "broken hook") != 1 || !strings.Contains(text, "option="+name) || !strings.Contains(text, "hooks_test.go") {
				t.Errorf("logged:\n%s", text)
			}
			if value := through(m.Middleware(http.HandlerFunc(brokenHandler)), "GET", "/"); value != "broken" {
				t.Errorf("the handler's own panic became %v", value)
			}
		})
	}
}
