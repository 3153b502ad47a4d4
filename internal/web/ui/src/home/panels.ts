// The applications with their charts, drawn from stored values.

import { Chart } from "../chart";
import { fill, h, setAttr, setText, webURL } from "../dom";
import { ago, legend, withUnit } from "../format";
import type { Application, Panel } from "../live";
import { lastSpan, range } from "../prometheus";
import { align, withGaps } from "../series";

const ranges = ["5m", "15m", "1h", "6h"] as const;
const rangeSeconds: Record<string, number> = { "5m": 300, "15m": 900, "1h": 3600, "6h": 21600 };
const refreshSeconds: Record<string, number> = { "5m": 2, "15m": 5, "1h": 15, "6h": 60 };

/** All applications' charts over one span of time, which is in the URL: ?range=15m. */
export class ApplicationCharts {
  private readonly list = h("div", {});
  private readonly buttons: HTMLElement[];
  readonly el: HTMLElement;
  private span: string;
  private shape = "";
  private panels: PanelView[] = [];
  private refreshed = 0;

  constructor() {
    const asked = new URLSearchParams(location.search).get("range") ?? "";
    this.span = asked in rangeSeconds ? asked : "15m";
    this.buttons = ranges.map((r) => h("button", { type: "button", on: { click: () => this.choose(r) } }, r));
    this.el = h(
      "section",
      { class: "applications", "aria-label": "Applications", hidden: true },
      h("div", { class: "section-head" }, h("h2", {}, "Applications"), h("div", { class: "segmented", role: "group", "aria-label": "Time range" }, ...this.buttons)),
      this.list,
    );
    this.mark();
  }

  update(apps: Application[]): void {
    const shape = JSON.stringify(apps.map((a) => [a.namespace, a.name, a.description, a.url, a.panels]));
    if (shape !== this.shape && apps.length > 0) {
      this.shape = shape;
      this.build(apps);
    }
    if (document.hidden || performance.now() - this.refreshed < refreshSeconds[this.span]! * 1000) return;
    this.refresh();
  }

  private build(apps: Application[]): void {
    this.panels = [];
    const sections = apps
      .filter((a) => (a.panels ?? []).length > 0)
      .map((a) => {
        const panels = (a.panels ?? []).map((p) => new PanelView(p));
        this.panels.push(...panels);
        const link = webURL(a.url);
        return h(
          "section",
          { class: "application", "data-testid": "application", "aria-label": a.name },
          h(
            "div",
            { class: "application-head" },
            h("h3", {}, a.name),
            h("span", { class: "muted" }, a.description ?? ""),
            link && h("a", { class: "open-link", href: link, target: "_blank", rel: "noopener" }, `open ${a.name} ↗`),
          ),
          h("div", { class: "panels" }, ...panels.map((p) => p.el)),
        );
      });
    fill(this.list, ...sections);
    this.el.hidden = sections.length === 0;
    this.refresh();
  }

  private choose(span: string): void {
    this.span = span;
    const url = new URL(location.href);
    url.searchParams.set("range", span);
    history.replaceState(null, "", url);
    this.mark();
    this.refresh();
  }

  private mark(): void {
    this.buttons.forEach((b, i) => setAttr(b, "aria-pressed", String(ranges[i] === this.span)));
  }

  private refresh(): void {
    this.refreshed = performance.now();
    for (const p of this.panels) void p.refresh(this.span);
  }
}

class PanelView {
  readonly el: HTMLElement;
  private readonly chart: Chart;
  private readonly link = h("a", { class: "panel-link" }, "query");
  private readonly state = h("p", { class: "panel-state", role: "status" }, "loading …");
  private readonly now = h("b", { class: "panel-now" });
  private shownAt = 0;
  private asking: AbortController | undefined;
  private askedSpan = "";

  constructor(private readonly panel: Panel) {
    this.chart = new Chart({ height: 160, unit: panel.unit, label: panel.title, showLegend: true });
    this.el = h(
      "article",
      { class: "card panel", "data-testid": "panel", "data-kind": panel.kind || "line" },
      h("div", { class: "panel-head" }, h("h4", { title: panel.query }, panel.title), this.now, this.link),
      panel.description && h("p", { class: "explain" }, panel.description),
      h("div", { class: "panel-body" }, this.chart.el, this.state),
    );
  }

  async refresh(span: string): Promise<void> {
    if (this.asking && this.askedSpan === span) return; // a slow backend is asked once at a time
    this.askedSpan = span;
    this.link.href = `query?g0.expr=${encodeURIComponent(this.panel.query)}&g0.tab=0&g0.range_input=${span}`;
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    try {
      const time = lastSpan(rangeSeconds[span]!);
      const answer = await range(this.panel.query, time, asking.signal);
      const data = withGaps(align(answer.data, (labels) => legend(this.panel.legend, labels), { filled: this.panel.kind === "area" }), time.step);
      const only = data.lines.length === 1 ? data.lines[0] : undefined;
      if (only) only.token = "--accent";
      if (only?.label === "{}") only.label = this.panel.title;
      this.el.classList.toggle("one-line", only?.label === this.panel.title);
      this.chart.show(data, time.start, time.end);
      this.shownAt = performance.now();
      this.showNow(data.lines.map((l) => l.values.findLast((v) => v !== null) ?? null));
      setText(this.state, data.lines.length === 0 ? "no values in this time" : "");
      this.el.classList.toggle("no-values", data.lines.length === 0);
      this.el.classList.remove("stale");
    } catch (err) {
      if (asking.signal.aborted) return;
      this.el.classList.add("stale");
      const since = this.shownAt ? ` Drawn ${ago((performance.now() - this.shownAt) / 1000)}.` : "";
      setText(this.state, `${(err as Error).message}.${since}`);
    } finally {
      if (this.asking === asking) this.asking = undefined;
    }
  }

  /** One line: its newest value beside the title. */
  private showNow(values: (number | null)[]): void {
    setText(this.now, values.length === 1 && values[0] !== null ? withUnit(values[0], this.panel.unit) : "");
  }
}
