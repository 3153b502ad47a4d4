// Alerts: the alerting rules, and which of them fire for what.

import "../styles/lists.css";
import { fill, h, setText } from "../dom";
import { ago, duration, short } from "../format";
import { ruleGroups, type Alert, type Rule } from "../prometheus";
import { filterBar, labelList, matches, refreshing } from "./list";
import { moreRows } from "./rows";

const order: Record<string, number> = { firing: 0, pending: 1, inactive: 2 };

export function show(main: HTMLElement): void {
  const bar = filterBar(["all", "firing", "pending", "inactive"], "Filter by name or label");
  const counts = h("span", { class: "muted", "data-testid": "counts" });
  const place = h("div", {});
  fill(main, h("div", { class: "section-head" }, h("h1", {}, "Alerts"), counts), bar.el, place);
  refreshing(main, 5, ruleGroups, bar, (groups) => {
    const all = groups.flatMap((g) => g.rules).filter((r) => r.type === "alerting");
    const n = (state: string) => all.filter((r) => r.state === state).length;
    setText(counts, `${n("firing")} firing, ${n("pending")} pending, ${n("inactive")} inactive`);
    const shown = all
      .filter((r) => (bar.choice() === "all" || r.state === bar.choice()) && matches(bar.words(), r.name, JSON.stringify(r.labels ?? {}), JSON.stringify(r.alerts?.map((a) => a.labels) ?? [])))
      .sort((a, b) => (order[a.state ?? ""] ?? 2) - (order[b.state ?? ""] ?? 2) || a.name.localeCompare(b.name));
    fill(place, ...shown.map(alertingRule), shown.length === 0 && h("p", { class: "empty" }, all.length === 0 ? "There are no alerting rules." : "No alert matches."));
  });
}

function alertingRule(r: Rule): HTMLElement {
  const alerts = r.alerts ?? [];
  const body = h("tbody");
  const note = moreRows(body, alerts, alertRow);
  return h(
    "details",
    { class: "card", open: alerts.length > 0, "data-testid": "alerting-rule" },
    h("summary", {}, h("h2", {}, r.name), h("span", { class: "state", "data-state": r.state }, r.state ?? "unknown"), h("span", { class: "muted" }, alerts.length ? `${alerts.length} active` : "")),
    h("p", {}, h("a", { class: "code-link", href: `query?g0.expr=${encodeURIComponent(r.query)}` }, h("code", {}, r.query)), r.duration ? ` for ${duration(r.duration)}` : ""),
    alerts.length > 0 && h("div", { class: "scroll" }, h("table", { class: "list" }, h("thead", {}, h("tr", {}, ...["labels", "state", "value", "since"].map((t) => h("th", { scope: "col" }, t)))), body)),
    note,
  );
}

function alertRow(a: Alert): HTMLElement {
  const at = Date.parse(a.activeAt ?? "") / 1000;
  return h(
    "tr",
    {},
    h("td", {}, labelList(a.labels), ...Object.entries(a.annotations).map(([k, v]) => h("div", { class: "muted" }, `${k}: ${v}`))),
    h("td", {}, h("span", { class: "state", "data-state": a.state }, a.state)),
    h("td", {}, short(Number(a.value))),
    h("td", { class: "nowrap" }, at > 0 ? ago(Date.now() / 1000 - at) : ""),
  );
}
