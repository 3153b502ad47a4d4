package server

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestFederationGivesTheLatestSampleWithItsTime(t *testing.T) {
	tg := newTarget(t, "clicks_total{worker=\"1\"} 7\nclicks_total{worker=\"2\"} 8\nwalks_total 1\n")
	in := run(t, configuration(t, "scrape.yml", "target.invalid:1", tg.addr()))
	in.eventuallyValue(t, `count(clicks_total)`, "2")
	times := regexp.MustCompile(` \d{13}\n`)
	body := in.eventually(t, func(body string) bool { return len(times.FindAllString(body, -1)) == 2 },
		"/federate", "match[]", `clicks_total{worker="1"}`, "match[]", `{__name__=~"walks.*"}`)
	want := `# TYPE clicks_total untyped
clicks_total{instance="ADDR",job="clicks",region="here",team="web",worker="1"} 7 T
# TYPE walks_total untyped
walks_total{instance="ADDR",job="clicks",region="here",team="web"} 1 T
`
	if got := strings.ReplaceAll(times.ReplaceAllString(body, " T\n"), tg.addr(), "ADDR"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFederationKeepsTheInstanceOfAggregatesEmpty(t *testing.T) {
	tg := newTarget(t, "clicks_total 7\n")
	config := configuration(t, "rules.yml", "target.invalid:1", tg.addr(), "alertmanager.invalid:1", "127.0.0.1:1")
	withRules(t, config, "rules_clicks.yml")
	in := run(t, config)
	in.eventuallyValue(t, "job:clicks:sum", "7")
	in.eventually(t, func(body string) bool { return strings.Contains(body, `job:clicks:sum{instance="",job="clicks"} 7 `) },
		"/federate", "match[]", "job:clicks:sum")
}

func TestFederationLeavesOutEndedSeriesAndRefusesBadSelectors(t *testing.T) {
	tg := newTarget(t, "clicks_total 7\nwalks_total 1\n")
	in := run(t, configuration(t, "scrape.yml", "target.invalid:1", tg.addr()))
	in.eventuallyValue(t, "walks_total", "1")
	tg.set("clicks_total 7\n")
	in.eventuallyValue(t, "walks_total", "")
	in.eventually(t, func(body string) bool {
		return strings.Contains(body, "clicks_total") && !strings.Contains(body, "walks_total")
	},
		"/federate", "match[]", `{__name__=~".*_total"}`)
	if code, body := in.get(t, "/federate", "match[]", `{`); code != http.StatusBadRequest {
		t.Errorf("a broken selector: %d %s", code, body)
	}
	if code, body := in.get(t, "/federate"); code != http.StatusOK || body != "" {
		t.Errorf("no selector: %d %q", code, body)
	}
}
