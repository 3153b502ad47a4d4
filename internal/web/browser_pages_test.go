package web_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/truecount/truecount/internal/web"
	"github.com/truecount/truecount/test/chromium"
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

	p, url := openBrowser(t), site(t, c, api)
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
		p.Open(url + path)
		p.See(`document.querySelector("`+place+`")?.textContent.includes("<img src=x onerror=")`, "true")
		if got := p.Eval("window.hurt"); got != "undefined" {
			t.Errorf("%s: a text was run", path)
		}
		if got := p.Eval(`document.querySelectorAll("main img, main iframe, main script, main [onload], main [onerror], main [onmouseover]").length`); got != "0" {
			t.Errorf("%s: %s elements were made of texts", path, got)
		}
		if got := p.Eval(`[...document.links].filter(a => !/^https?:/.test(a.protocol)).length`); got != "0" {
			t.Errorf("%s: %s links lead elsewhere than http", path, got)
		}
	}
	p.Open(url)
	p.See(byID("try")+".textContent.includes('<img')", "true")
	p.Click("try") // the names are in the request's path
	p.See(byID("merged")+".dataset.value", "1")
	p.WantQuiet()
}

func TestAnExpressionIsCompletedExecutedAndKeptInTheURL(t *testing.T) {
	api := emptyAPI()
	api["label/__name__/values"] = []string{"demo_app_button_clicks_total", "up"}
	api["metadata"] = object{"demo_app_button_clicks_total": []object{{"type": "counter", "help": "Clicks."}}}
	api["query"] = vector(object{"metric": object{"__name__": "demo_app_button_clicks_total", "pod": "clicks-0"}, "value": []any{1795156224.1, "23"}})
	api["query_range"] = matrix(object{"metric": object{"pod": "clicks-0"}, "values": [][]any{{1795156220, "1"}, {1795156224, "2"}}})
	p := open(t, site(t, newChain(4), api)+"/query")
	p.See(`document.activeElement.classList.contains("cm-content")`, "true")
	p.Do(chromedp.KeyEvent("demo_app_but"))
	p.See(`document.querySelector(".cm-tooltip-autocomplete li[aria-selected]")?.textContent.startsWith("demo_app_button_clicks_total")`, "true")
	p.ClickOn(".cm-tooltip-autocomplete li[aria-selected]")
	p.See(`document.querySelector(".cm-content").textContent`, "demo_app_button_clicks_total")
	p.Do(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	p.See(byID("result-row")+".textContent", `demo_app_button_clicks_total{pod="clicks-0"}23`)
	p.See("location.search", "?g0.expr=demo_app_button_clicks_total&g0.tab=1&g0.range_input=1h")
	p.Click("tab-graph")
	p.See(`document.querySelector(".chart canvas") !== null && document.querySelector(".legend").textContent`, `{pod="clicks-0"}`)
	p.See("location.search", "?g0.expr=demo_app_button_clicks_total&g0.tab=0&g0.range_input=1h")
	p.Do(chromedp.NavigateBack())
	p.See(byID("result-row")+".textContent", `demo_app_button_clicks_total{pod="clicks-0"}23`)
	p.WantQuiet()
}

func TestAWrongExpressionIsMarkedAndItsErrorShown(t *testing.T) {
	api := emptyAPI()
	api["query"] = errors.New(`invalid parameter "query": 1:6: parse error: expected type range vector in call to function "rate", got instant vector`)
	p := open(t, site(t, newChain(4), api)+"/query?g0.expr=rate(up)&g0.tab=1")
	p.See(byID("messages")+".textContent", `bad_data: invalid parameter "query": 1:6: parse error: expected type range vector in call to function "rate", got instant vector`)
	p.See(`document.querySelector(".cm-lintRange-error")?.textContent`, "up")
}

func TestWarningsOfTheEngineAreShown(t *testing.T) {
	p := open(t, site(t, newChain(4), emptyAPI())+"/query?g0.expr=warn&g0.tab=1")
	p.See(byID("messages")+".textContent", "a warning of the engine")
	p.See(byID("output")+".textContent", "The result is empty: no series match.")
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
	p, url := openBrowser(t), site(t, newChain(4), api)

	p.Open(url + "/query?g0.expr=many&g0.tab=1")
	p.See(byID("rows-note")+".dataset.total", "10000")
	rows := `document.querySelectorAll("[data-testid=result-row]").length`
	if got := p.Eval(rows + " <= 400"); got != "true" {
		t.Errorf("%s rows are made before anybody scrolls", p.Eval(rows))
	}
	before := p.Eval(rows)
	p.Eval(`scrollTo(0, document.body.scrollHeight)`)
	p.See(rows+" > "+before, "true")

	p.Open(url + "/query?g0.expr=many&g0.tab=0")
	p.See(byID("output")+".textContent.includes('The first 100 of 10000 series are drawn.')", "true")

	p.Open(url + "/targets")
	p.See(byID("counts")+".textContent", "10000 of 10000 up")
	if got := p.Eval(`document.querySelectorAll("[data-testid=target]").length <= 400`); got != "true" {
		t.Error("all targets are made at once")
	}
	p.Type(chromium.Selector("filter"), "pod-9999")
	p.See(byID("counts")+".textContent", "10000 of 10000 up, 1 shown")
	p.See("location.search", "?q=pod-9999")
	p.WantQuiet()
}

func TestTargetsShowWhatIsWrong(t *testing.T) {
	api := emptyAPI()
	target := func(health, problem string) object {
		return object{"labels": object{"job": "clicks", "instance": health}, "scrapePool": "clicks", "scrapeUrl": "http://127.0.0.1:1/metrics", "health": health, "lastError": problem, "lastScrape": "2026-11-20T06:00:00Z", "lastScrapeDuration": 0.0123}
	}
	api["targets"] = object{"activeTargets": []object{target("up", ""), target("down", "connection refused"), target("unknown", "")}}
	p := open(t, site(t, newChain(4), api)+"/targets?state=down")
	p.See(byID("counts")+".textContent", "1 of 3 up, 1 shown")
	p.See(byID("target")+`.querySelector(".error").textContent`, "connection refused")
	p.See(byID("target")+`.textContent.includes("12.3 ms")`, "true")
	p.ClickOn(`[data-choice="all"]`)
	p.See(`[...document.querySelectorAll("[data-testid=target]")].map(e => e.dataset.health)`, "down,unknown,up")
	p.See("location.search", "")
	p.WantQuiet()
}

func TestTheThemeIsChosenKeptAndTheSystemsWithoutAChoice(t *testing.T) {
	p, url := openBrowser(t), site(t, newChain(4), emptyAPI())
	background := `getComputedStyle(document.body).backgroundColor`
	p.Open(url)
	p.See(byID("theme")+" !== null", "true")
	light := p.Eval(background)
	p.Click("theme") // light
	p.Click("theme") // dark
	p.See(background+" === '"+light+"'", "false")
	dark := p.Eval(background)
	p.Open(url + "/targets") // another page, served with the choice
	p.See(background, dark)
	p.See("document.documentElement.dataset.theme", "dark")
	p.WantQuiet()
}
