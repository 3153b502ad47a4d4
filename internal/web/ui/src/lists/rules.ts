// Rule health: recording and alerting rules by group.

import "../styles/lists.css";
import { fill, h, setText } from "../dom";
import { ago, duration, withUnit } from "../format";
import { ruleGroups, type Rule, type RuleGroup } from "../prometheus";
import { filterBar, labelList, matches, refreshing } from "./list";
import { moreRows } from "./rows";

export function show(main: HTMLElement): void {
  const bar = filterBar(["all", "ok", "err", "unknown"], "Filter by name, expression or label");
  const counts = h("span", { class: "muted", "data-testid": "counts" });
  const place = h("div", {});
  fill(main, h("div", { class: "section-head" }, h("h1", {}, "Rule health"), counts), bar.el, place);
  refreshing(main, 10, ruleGroups, bar, (groups) => {
    const wanted = (r: Rule) => (bar.choice() === "all" || r.health === bar.choice()) && matches(bar.words(), r.name, r.query, JSON.stringify(r.labels ?? {}));
    const all = groups.flatMap((g) => g.rules);
    setText(counts, `${all.filter((r) => r.health === "ok").length} of ${all.length} ok`);
    const cards = groups.map((g) => ({ g, rules: g.rules.filter(wanted) })).filter(({ rules }) => rules.length > 0);
    fill(place, ...cards.map(({ g, rules }) => group(g, rules)), cards.length === 0 && h("p", { class: "empty" }, all.length === 0 ? "There are no rules." : "No rule matches."));
  });
}

function group(g: RuleGroup, rules: Rule[]): HTMLElement {
  const body = h("tbody");
  const note = moreRows(body, rules, ruleRow);
  const heads = ["rule", "state", "expression", "evaluated", "took"].map((t) => h("th", { scope: "col" }, t));
  return h(
    "details",
    { class: "card", open: true },
    h("summary", {}, h("h2", {}, g.name), h("span", { class: "muted" }, `${g.file} · every ${duration(g.interval)}`)),
    h("div", { class: "scroll" }, h("table", { class: "list" }, h("thead", {}, h("tr", {}, ...heads)), body)),
    note,
  );
}

function ruleRow(r: Rule): HTMLElement {
  const at = Date.parse(r.lastEvaluation) / 1000;
  return h(
    "tr",
    { "data-testid": "rule" },
    h("td", {}, h("b", {}, r.name), h("div", { class: "muted" }, r.type === "alerting" ? `alert${r.duration ? `, for ${duration(r.duration)}` : ""}` : "record"), labelList(r.labels ?? {})),
    h("td", {}, h("span", { class: "state", "data-state": r.health === "ok" ? "up" : r.health === "err" ? "down" : "unknown" }, r.health), r.lastError && h("div", { class: "error" }, r.lastError)),
    h("td", {}, h("a", { class: "code-link", href: `query?g0.expr=${encodeURIComponent(r.query)}` }, h("code", {}, r.query))),
    h("td", { class: "nowrap" }, at > 0 ? ago(Date.now() / 1000 - at) : "never"),
    h("td", { class: "nowrap" }, withUnit(r.evaluationTime, "s")),
  );
}
