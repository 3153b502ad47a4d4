// Target health: what is scraped, and how that goes.

import "../styles/lists.css";
import { fill, h, setText, webURL } from "../dom";
import { ago, withUnit } from "../format";
import { targets, type Target } from "../prometheus";
import { filterBar, labelList, matches, refreshing } from "./list";
import { moreRows } from "./rows";

const order: Record<string, number> = { down: 0, unknown: 1, up: 2 };

export function show(main: HTMLElement): void {
  const bar = filterBar(["all", "up", "down", "unknown"], "Filter by label, address or error");
  const counts = h("span", { class: "muted", "data-testid": "counts" });
  const place = h("div", {});
  fill(main, h("div", { class: "section-head" }, h("h1", {}, "Target health"), counts), bar.el, place);
  refreshing(main, 5, targets, bar, (all) => {
    const shown = all.filter((t) => (bar.choice() === "all" || t.health === bar.choice()) && matches(bar.words(), Object.values(t.labels).join(" "), t.scrapeUrl, t.lastError, JSON.stringify(t.labels)));
    const up = all.filter((t) => t.health === "up").length;
    setText(counts, `${up} of ${all.length} up${shown.length < all.length ? `, ${shown.length} shown` : ""}`);
    const pools = Map.groupBy(shown, (t) => t.scrapePool);
    fill(place, ...[...pools].map(([name, ts]) => pool(name, ts)), shown.length === 0 && h("p", { class: "empty" }, all.length === 0 ? "Nothing is scraped." : "No target matches."));
  });
}

function pool(name: string, ts: Target[]): HTMLElement {
  const up = ts.filter((t) => t.health === "up").length;
  const body = h("tbody");
  const sorted = ts.sort((a, b) => (order[a.health] ?? 1) - (order[b.health] ?? 1) || a.scrapeUrl.localeCompare(b.scrapeUrl));
  const note = moreRows(body, sorted, targetRow);
  const heads = ["endpoint", "state", "labels", "last scrape", "took", "error"].map((t) => h("th", { scope: "col" }, t));
  return h(
    "details",
    { class: "card", open: true, "data-testid": "pool" },
    h("summary", {}, h("h2", {}, name), h("span", { class: `pill-count ${up === ts.length ? "good" : "bad"}` }, `${up}/${ts.length} up`)),
    h("div", { class: "scroll" }, h("table", { class: "list" }, h("thead", {}, h("tr", {}, ...heads)), body)),
    note,
  );
}

function targetRow(t: Target): HTMLElement {
  const url = webURL(t.globalUrl || t.scrapeUrl);
  const at = Date.parse(t.lastScrape) / 1000;
  const never = !(at > 0);
  return h(
    "tr",
    { "data-testid": "target", "data-health": t.health },
    h("td", {}, url ? h("a", { href: url, rel: "noreferrer" }, t.scrapeUrl) : t.scrapeUrl),
    h("td", {}, h("span", { class: "state", "data-state": t.health }, t.health)),
    h("td", {}, labelList(t.labels)),
    h("td", { class: "nowrap" }, never ? "never" : ago(Date.now() / 1000 - at)),
    h("td", { class: "nowrap" }, never ? "–" : withUnit(t.lastScrapeDuration, "s")),
    h("td", { class: "error" }, t.lastError),
  );
}
