package web_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/truecount/truecount/internal/web"
)

// hostile is text that would run if it were ever taken for markup, a script or a URL.
var hostile = []string{
	`<img src=x onerror="window.hurt=1">`,
	`<script>window.hurt=1</script>`,
	`"><svg onload=window.hurt=1>`,
	`javascript:window.hurt=1`,
	`{{constructor.constructor('window.hurt=1')()}}`,
	`</title></script></style><iframe srcdoc="<script>parent.hurt=1</script>">`,
	"' onmouseover='window.hurt=1' \u2028\u202e",
}

func TestU1HostileTextsStayText(t *testing.T) {
	evil := strings.Join(hostile, " ")
	c := newChain(4)
	c.app.ID = web.ID{Namespace: evil, Name: evil}
	c.app.Description, c.app.URL = evil, hostile[3]
	c.app.Try = &web.Try{Label: evil, Request: evil}
	s := c.app.Strip
	s.Metric, s.Help, s.Scale.Reason, s.Scale.Metric, s.Merged.Error = evil, evil, evil, evil, evil
	s.NaiveQuery, s.MergedQuery, s.PerSecondQuery = evil, evil, evil
	c.app.Panels = []web.Panel{{Title: evil, Query: evil, Unit: evil, Legend: evil + "{{evil}}", Description: evil, Kind: evil}}
	c.app.Settings = []web.Setting{{Name: evil, Value: evil, Usual: evil}}
	labels := object{"__name__": evil, evil: evil, "evil": evil, "job": evil}
	samples := [][]any{{1795156224, "1"}, {1795156225, "2"}}
	api := emptyAPI()
	api["query"] = vector(object{"metric": labels, "value": []any{1795156224, evil}})
	api["query_range"] = matrix(object{"metric": labels, "values": samples}, object{"metric": object{"evil": evil}, "values": samples})
	api["targets"] = object{"activeTargets": []object{{"labels": labels, "discoveredLabels": labels, "scrapePool": evil, "scrapeUrl": hostile[3], "globalUrl": hostile[3],
		"health": evil, "lastError": evil, "lastScrape": evil, "lastScrapeDuration": 1}}}
	rule := object{"type": "alerting", "name": evil, "query": evil, "labels": labels, "annotations": labels, "health": evil, "lastError": evil, "state": evil, "duration": 5, "evaluationTime": 1, "lastEvaluation": evil,
		"alerts": []object{{"labels": labels, "annotations": labels, "state": evil, "activeAt": evil, "value": evil}}}
	api["rules"] = object{"groups": []object{{"name": evil, "file": evil, "interval": 1, "rules": []object{rule}}}}
	api["label/__name__/values"] = []string{evil, "up"}
	api["metadata"] = object{"up": []object{{"type": evil, "help": evil}}}

	b := newBrowser(t)
	url := site(t, c, api)
	for path, place := range map[string]string{
		"/":                                     ".hero",
		"/?app=%3Cimg%20src=x%3E":               ".panel .legend li",
		"/query?g0.expr=up&g0.tab=1":            "[data-testid=result-row]",
		"/query?g0.expr=up&g0.tab=0":            ".legend li",
		"/targets":                              "[data-testid=target]",
		"/targets?q=%3Cimg&state=%3Cimg%20src=": "[data-testid=target]",
		"/rules":                                "[data-testid=rule]",
		"/alerts":                               "[data-testid=alerting-rule]",
	} {
		b.open(url + path)
		b.see(`document.querySelector("`+place+`")?.textContent.includes("<img src=x onerror=")`, "true")
		if got := b.eval("window.hurt"); got != "undefined" {
			t.Errorf("%s: a text was run", path)
		}
		if got := b.eval(`document.querySelectorAll("main img, main iframe, main script, main [onload], main [onerror], main [onmouseover]").length`); got != "0" {
			t.Errorf("%s: %s elements were made of texts", path, got)
		}
		if got := b.eval(`[...document.links].filter(a => !/^https?:/.test(a.protocol)).length`); got != "0" {
			t.Errorf("%s: %s links lead elsewhere than http", path, got)
		}
	}
	b.open(url)
	b.see(byID("try")+".textContent.includes('<img')", "true")
	b.click("try") // the names are in the request's path
	b.see(byID("merged")+".dataset.value", "1")
	b.wantQuiet()
}

func TestAnExpressionIsCompletedExecutedAndKeptInTheURL(t *testing.T) {
	api := emptyAPI()
	api["label/__name__/values"] = []string{"demo_app_button_clicks_total", "up"}
	api["metadata"] = object{"demo_app_button_clicks_total": []object{{"type": "counter", "help": "Clicks."}}}
	api["query"] = vector(object{"metric": object{"__name__": "demo_app_button_clicks_total", "pod": "clicks-0"}, "value": []any{1795156224.1, "23"}})
	api["query_range"] = matrix(object{"metric": object{"pod": "clicks-0"}, "values": [][]any{{1795156220, "1"}, {1795156224, "2"}}})
	b := newBrowser(t)
	b.open(site(t, newChain(4), api) + "/query")
	b.see(`document.activeElement.classList.contains("cm-content")`, "true")
	b.do(chromedp.KeyEvent("demo_app_but"))
	b.see(`document.querySelector(".cm-tooltip-autocomplete li[aria-selected]")?.textContent.startsWith("demo_app_button_clicks_total")`, "true")
	b.do(chromedp.Click(chromedp.CSS(".cm-tooltip-autocomplete li[aria-selected]")))
	b.see(`document.querySelector(".cm-content").textContent`, "demo_app_button_clicks_total")
	b.do(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.see(byID("result-row")+".textContent", `demo_app_button_clicks_total{pod="clicks-0"}23`)
	b.see("location.search", "?g0.expr=demo_app_button_clicks_total&g0.tab=1&g0.range_input=1h")
	b.click("tab-graph")
	b.see(`document.querySelector(".chart canvas") !== null && document.querySelector(".legend").textContent`, `{pod="clicks-0"}`)
	b.see("location.search", "?g0.expr=demo_app_button_clicks_total&g0.tab=0&g0.range_input=1h")
	b.do(chromedp.NavigateBack())
	b.see(byID("result-row")+".textContent", `demo_app_button_clicks_total{pod="clicks-0"}23`)
	b.wantQuiet()
}

func TestAWrongExpressionIsMarkedAndItsErrorShown(t *testing.T) {
	api := emptyAPI()
	api["query"] = errors.New(`invalid parameter "query": 1:6: parse error: expected type range vector in call to function "rate", got instant vector`)
	b := newBrowser(t)
	b.open(site(t, newChain(4), api) + "/query?g0.expr=rate(up)&g0.tab=1")
	b.see(byID("messages")+".textContent", `bad_data: invalid parameter "query": 1:6: parse error: expected type range vector in call to function "rate", got instant vector`)
	b.see(`document.querySelector(".cm-lintRange-error")?.textContent`, "up")
}

func TestWarningsOfTheEngineAreShown(t *testing.T) {
	b := newBrowser(t)
	b.open(site(t, newChain(4), emptyAPI()) + "/query?g0.expr=warn&g0.tab=1")
	b.see(byID("messages")+".textContent", "a warning of the engine")
	b.see(byID("output")+".textContent", "The result is empty: no series match.")
}

func TestU5TenThousandRowsStayFast(t *testing.T) {
	var series []object
	var targets []object
	for i := range 10_000 {
		name := fmt.Sprintf("pod-%d", i)
		series = append(series, object{"metric": object{"__name__": "many", "pod": name, "namespace": "default"}, "value": []any{1795156224, fmt.Sprint(i)}, "values": [][]any{{1795156224, "1"}}})
		targets = append(targets, object{"labels": object{"job": "many", "instance": name}, "scrapePool": "many", "scrapeUrl": "http://" + name + "/metrics", "health": "up", "lastScrape": "2026-11-20T06:00:00Z", "lastScrapeDuration": 0.01})
	}
	api := emptyAPI()
	api["query"], api["query_range"], api["targets"] = vector(series...), matrix(series...), object{"activeTargets": targets}
	b := newBrowser(t)
	url := site(t, newChain(4), api)

	b.open(url + "/query?g0.expr=many&g0.tab=1")
	b.see(byID("rows-note")+".dataset.total", "10000")
	rows := `document.querySelectorAll("[data-testid=result-row]").length`
	if got := b.eval(rows + " <= 400"); got != "true" {
		t.Errorf("%s rows are made before anybody scrolls", b.eval(rows))
	}
	before := b.eval(rows)
	b.eval(`scrollTo(0, document.body.scrollHeight)`)
	b.see(rows+" > "+before, "true")

	b.open(url + "/query?g0.expr=many&g0.tab=0")
	b.see(byID("output")+".textContent.includes('The first 100 of 10000 series are drawn.')", "true")

	b.open(url + "/targets")
	b.see(byID("counts")+".textContent", "10000 of 10000 up")
	if got := b.eval(`document.querySelectorAll("[data-testid=target]").length <= 400`); got != "true" {
		t.Error("all targets are made at once")
	}
	b.do(chromedp.SendKeys(chromedp.CSS(`[data-testid="filter"]`), "pod-9999"))
	b.see(byID("counts")+".textContent", "10000 of 10000 up, 1 shown")
	b.see("location.search", "?q=pod-9999")
	b.wantQuiet()
}

func TestTargetsShowWhatIsWrong(t *testing.T) {
	api := emptyAPI()
	target := func(health, problem string) object {
		return object{"labels": object{"job": "clicks", "instance": health}, "scrapePool": "clicks", "scrapeUrl": "http://127.0.0.1:1/metrics", "health": health, "lastError": problem, "lastScrape": "2026-11-20T06:00:00Z", "lastScrapeDuration": 0.0123}
	}
	api["targets"] = object{"activeTargets": []object{target("up", ""), target("down", "connection refused"), target("unknown", "")}}
	b := newBrowser(t)
	b.open(site(t, newChain(4), api) + "/targets?state=down")
	b.see(byID("counts")+".textContent", "1 of 3 up, 1 shown")
	b.see(byID("target")+`.querySelector(".error").textContent`, "connection refused")
	b.see(byID("target")+`.textContent.includes("12.3 ms")`, "true")
	b.do(chromedp.Click(chromedp.CSS(`[data-choice="all"]`)))
	b.see(`[...document.querySelectorAll("[data-testid=target]")].map(e => e.dataset.health)`, "down,unknown,up")
	b.see("location.search", "")
	b.wantQuiet()
}

func TestTheThemeIsChosenKeptAndTheSystemsWithoutAChoice(t *testing.T) {
	b := newBrowser(t)
	url := site(t, newChain(4), emptyAPI())
	background := `getComputedStyle(document.body).backgroundColor`
	b.open(url)
	b.see(byID("theme")+" !== null", "true")
	light := b.eval(background)
	b.click("theme") // light
	b.click("theme") // dark
	b.see(background+" === '"+light+"'", "false")
	dark := b.eval(background)
	b.open(url + "/targets") // another page, served with the choice
	b.see(background, dark)
	b.see("document.documentElement.dataset.theme", "dark")
	b.wantQuiet()
}
