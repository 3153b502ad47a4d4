// One expression: its editor, its controls, its table or graph.

import type { EditorView } from "@codemirror/view";
import { Chart } from "../chart";
import { fill, h, setAttr, setText } from "../dom";
import { duration, parseDuration, seriesName } from "../format";
import { instant, range, type Answer } from "../prometheus";
import { align, maxLines, withGaps } from "../series";
import { editor } from "./editor";
import { formatTime, parseTime, stepFor, type PanelState } from "./state";
import { resultTable } from "./table";

const rangesBySize = ["1m", "5m", "15m", "30m", "1h", "2h", "6h", "12h", "1d", "2d", "1w"];

export class QueryPanel {
  readonly el: HTMLElement;
  private readonly state: PanelState;
  private readonly view: EditorView;
  private readonly tabs: { name: PanelState["tab"]; button: HTMLElement }[];
  private readonly rangeField = h("input", { class: "field short-field", "aria-label": "Range", "data-testid": "range", spellcheck: "false" });
  private readonly timeField = h("input", { class: "field time-field", "aria-label": "Time (UTC)", placeholder: "now (UTC)", spellcheck: "false" });
  private readonly stepField = h("input", { class: "field short-field", "aria-label": "Resolution in seconds", placeholder: "auto", inputmode: "decimal" });
  private readonly graphOnly = h("span", { class: "controls" });
  private readonly status = h("span", { class: "muted query-status", role: "status" });
  private readonly messages = h("div", { class: "messages", role: "alert", "data-testid": "messages" });
  private readonly output = h("div", { class: "output", "data-testid": "output", role: "tabpanel" });
  private asking: AbortController | undefined;

  constructor(
    state: PanelState,
    private readonly changed: () => void,
    remove: () => void,
  ) {
    this.state = state;
    const place = h("div", { class: "editor" });
    const run = h("button", { type: "button", class: "primary", "data-testid": "execute", title: "Ctrl+Enter or Shift+Enter" }, "Execute");
    run.addEventListener("click", () => this.run());
    this.tabs = (["table", "graph"] as const).map((name) => ({
      name,
      button: h("button", { type: "button", role: "tab", "data-testid": `tab-${name}`, on: { click: () => this.choose(name) } }, name === "table" ? "Table" : "Graph"),
    }));
    this.graphOnly.append(
      this.nudge("−", "Shorter range", () => this.zoom(-1)),
      this.rangeField,
      this.nudge("+", "Longer range", () => this.zoom(1)),
    );
    const controls = h(
      "div",
      { class: "controls" },
      this.graphOnly,
      this.nudge("‹", "Earlier", () => this.move(-1)),
      this.timeField,
      this.nudge("›", "Later", () => this.move(1)),
      h("label", { class: "controls step-label" }, "step", this.stepField),
    );
    this.el = h(
      "section",
      { class: "card query-panel", "data-testid": "query-panel", "aria-label": "Expression" },
      h("div", { class: "editor-row" }, place, run),
      h("div", { class: "query-bar" }, h("div", { class: "tab-list", role: "tablist" }, ...this.tabs.map((t) => t.button)), controls, this.status, h("button", { type: "button", class: "plain remove", "aria-label": "Remove this expression", on: { click: remove } }, "remove")),
      this.messages,
      this.output,
    );
    this.view = editor(place, state.expr, { change: (text) => (this.state.expr = text), run: () => this.run() });
    for (const field of [this.rangeField, this.timeField, this.stepField]) {
      field.addEventListener("change", () => this.readFields());
      field.addEventListener("keydown", (e) => {
        if ((e as KeyboardEvent).key === "Enter") this.readFields();
      });
    }
    this.showState();
    if (state.expr.trim()) this.run();
    else fill(this.output, h("p", { class: "empty" }, "Write an expression; Ctrl+Space proposes names, Ctrl+Enter or Shift+Enter executes it."));
  }

  focus(): void {
    this.view.focus();
  }

  destroy(): void {
    this.asking?.abort();
    this.view.destroy();
    this.el.remove();
  }

  private nudge(text: string, label: string, click: () => void): HTMLElement {
    return h("button", { type: "button", class: "nudge", "aria-label": label, title: label, on: { click } }, text);
  }

  private choose(tab: PanelState["tab"]): void {
    this.state.tab = tab;
    this.showState();
    this.run();
  }

  private showState(): void {
    for (const t of this.tabs) setAttr(t.button, "aria-selected", String(t.name === this.state.tab));
    this.graphOnly.hidden = this.state.tab !== "graph";
    this.stepField.parentElement!.hidden = this.state.tab !== "graph";
    this.rangeField.value = this.state.range;
    this.timeField.value = this.state.end === undefined ? "" : formatTime(this.state.end);
    this.stepField.value = this.state.step === undefined ? "" : String(this.state.step);
  }

  private readFields(): void {
    if (parseDuration(this.rangeField.value) !== undefined) this.state.range = this.rangeField.value.trim();
    this.state.end = parseTime(this.timeField.value);
    const step = parseDuration(this.stepField.value) ?? Number(this.stepField.value);
    this.state.step = step > 0 ? step : undefined;
    this.showState();
    this.run();
  }

  private rangeSeconds(): number {
    return parseDuration(this.state.range) ?? 3600;
  }

  private zoom(direction: 1 | -1): void {
    const now = this.rangeSeconds();
    const sizes = rangesBySize.map((r) => parseDuration(r)!);
    const next = direction > 0 ? sizes.find((s) => s > now) : sizes.findLast((s) => s < now);
    if (next === undefined) return;
    this.state.range = rangesBySize[sizes.indexOf(next)]!;
    this.showState();
    this.run();
  }

  private move(direction: 1 | -1): void {
    const by = this.state.tab === "graph" ? this.rangeSeconds() / 2 : 60;
    const end = (this.state.end ?? Date.now() / 1000) + direction * by;
    this.state.end = end >= Date.now() / 1000 ? undefined : Math.floor(end);
    this.showState();
    this.run();
  }

  private run(): void {
    this.changed();
    this.asking?.abort();
    const expr = this.state.expr.trim();
    fill(this.messages);
    if (!expr) {
      setText(this.status, "");
      fill(this.output);
      return;
    }
    const asking = (this.asking = new AbortController());
    const began = performance.now();
    this.el.setAttribute("aria-busy", "true");
    const task = this.state.tab === "graph" ? this.drawGraph(expr, asking.signal) : this.drawTable(expr, asking.signal);
    task
      .then((n) => setText(this.status, `${n} series, ${Math.round(performance.now() - began)} ms`))
      .catch((err: Error) => {
        if (asking.signal.aborted) return;
        fill(this.output);
        setText(this.status, "");
        this.say("bad", err.message);
      })
      .finally(() => {
        if (this.asking === asking) this.el.removeAttribute("aria-busy");
      });
  }

  private async drawTable(expr: string, signal: AbortSignal): Promise<number> {
    const answer = await instant(expr, this.state.end, signal);
    this.sayWarnings(answer);
    fill(this.output, resultTable(answer.data));
    return answer.data.resultType === "vector" || answer.data.resultType === "matrix" ? answer.data.result.length : 1;
  }

  private async drawGraph(expr: string, signal: AbortSignal): Promise<number> {
    const seconds = this.rangeSeconds();
    const step = this.state.step ?? stepFor(seconds);
    const end = this.state.end ?? Math.floor(Date.now() / 1000);
    const answer = await range(expr, { start: end - seconds, end, step }, signal);
    this.sayWarnings(answer);
    if (answer.data.length === 0) {
      fill(this.output, h("p", { class: "empty" }, "The result is empty: no series match in this time."));
      return 0;
    }
    const chart = new Chart({
      height: 380,
      label: expr,
      showLegend: true,
      onSelect: (from, to) => {
        this.state.end = Math.ceil(to);
        this.state.range = duration(Math.max(10, Math.ceil(to) - Math.floor(from)));
        this.showState();
        this.run();
      },
    });
    const note = answer.data.length > maxLines ? `The first ${maxLines} of ${answer.data.length} series are drawn.` : "";
    fill(this.output, note && h("p", { class: "rows-note" }, note), chart.el);
    chart.show(withGaps(align(answer.data, seriesName), step), end - seconds, end);
    return answer.data.length;
  }

  private sayWarnings(answer: Answer<unknown>): void {
    for (const w of answer.warnings) this.say("warn", w);
    for (const i of answer.infos) this.say("info", i);
  }

  private say(kind: "bad" | "warn" | "info", text: string): void {
    this.messages.append(h("p", { class: `message ${kind}` }, text));
  }
}
