// Two lines: what scrapes of one random worker see, and the merged count.

import { Chart } from "../chart";
import { h, setText } from "../dom";
import { count } from "../format";
import { type Application, type Strip, type View } from "../live";
import { range } from "../prometheus";
import { align, falls, withGaps, type ChartData } from "../series";

const spanSeconds = 180;
const refreshMilliseconds = 1000;

interface Point {
  time: number;
  naive: number | null;
  merged: number | null;
}

export class TwoLines {
  readonly el: HTMLElement;
  private readonly chart = new Chart({ height: 290, label: "The merged count, and what a naive scrape of one random worker sees, over the last three minutes" });
  private readonly naiveNow = h("b", { class: "naive-ink" }, "–");
  private readonly mergedNow = h("b", { class: "accent-ink" }, "–");
  private readonly title = h("h3", {}, "Why merging matters");
  private readonly scale = h("button", { type: "button", class: "plain", "data-testid": "scale", on: { click: () => this.chooseScale() } });
  private chosen = new URLSearchParams(location.search).get("scale") ?? "";
  private logarithmic = false;
  private readonly falls = h("p", { class: "falls", "data-testid": "falls" });
  private readonly problem = h("p", { class: "note bad", role: "status" });
  private strip: Strip;
  private stored: { naive: ChartData; merged: ChartData } | undefined;
  private live: Point[] = [];
  private asking = false;
  private askedAt = 0;

  constructor(strip: Strip) {
    this.strip = strip;
    this.chart.el.setAttribute("data-testid", "naive-chart");
    const key = (cls: string, text: string, now: HTMLElement) => h("span", { class: `key key-${cls}` }, h("i", { class: `swatch swatch-${cls}` }), text, " ", now);
    this.el = h(
      "section",
      { class: "card lines", "aria-label": "Naive and merged" },
      h("div", { class: "card-head" }, this.title, h("div", { class: "keys" }, this.scale, key("naive", "a naive scrape of one random worker", this.naiveNow), key("merged", "merged", this.mergedNow))),
      h("p", { class: "explain" }, "Behind one address every scrape reaches another worker, so its line jumps. The merged line only rises, also when a worker is killed."),
      this.chart.el,
      this.falls,
      this.problem,
    );
  }

  /** Turns from linear to logarithmic and back; the reader's choice is in the URL, ?scale=. */
  private chooseScale(): void {
    this.chosen = this.logarithmic ? "linear" : "log";
    const url = new URL(location.href);
    url.searchParams.set("scale", this.chosen);
    history.replaceState(null, "", url);
    this.showScale(this.chosen === "log");
  }

  private showScale(log: boolean): void {
    this.logarithmic = log;
    this.chart.logarithmic = log;
    setText(this.scale, log ? "show linear scale" : "show log scale");
  }

  update(a: Application, view: View): void {
    this.strip = a.strip!;
    // Where nothing scrapes naively (one worker, or a foreign target) there is one line and nothing to explain.
    const { naive, naiveQuery } = this.strip;
    const one = !naiveQuery && (naive.value === null || naive.value === undefined);
    this.el.classList.toggle("merged-only", one);
    setText(this.title, one ? "The count" : "Why merging matters");
    setText(this.naiveNow, count(this.strip.naive.value));
    setText(this.mergedNow, count(this.strip.merged.value));
    this.remember(view);
    if (!this.asking && performance.now() - this.askedAt > refreshMilliseconds && !document.hidden) void this.ask(view.now);
    this.draw(view);
  }

  /** Keeps the live values, a point per reading, so that the lines reach to this moment. */
  private remember(view: View): void {
    if (!view.snapshot) return;
    const { naive, merged } = this.strip;
    const time = view.snapshot.time;
    const last = this.live.at(-1);
    if (last && time <= last.time) return;
    this.live.push({ time, naive: naive.value ?? null, merged: merged.value ?? null });
    const oldest = time - spanSeconds - 5;
    while (this.live.length && this.live[0]!.time < oldest) this.live.shift();
  }

  private async ask(now: number): Promise<void> {
    const { naiveQuery, mergedQuery } = this.strip;
    if (!mergedQuery) return;
    this.asking = true;
    try {
      const end = Math.floor(now);
      const span = { start: end - spanSeconds - 1, end, step: 1 };
      const [naive, merged] = await Promise.all([naiveQuery ? range(naiveQuery, span) : { data: [] }, range(mergedQuery, span)]);
      this.stored = { naive: align(naive.data.slice(0, 1), () => ""), merged: align(merged.data.slice(0, 1), () => "") };
      setText(this.problem, "");
    } catch (err) {
      setText(this.problem, `The stored part of the lines is missing: ${(err as Error).message}`);
    } finally {
      this.asking = false;
      this.askedAt = performance.now();
    }
  }

  private draw(view: View): void {
    const points = this.points();
    const data: ChartData = {
      times: points.map((p) => p.time),
      lines: [
        { label: "merged", token: "--accent", width: 2.6, stepped: true, filled: true, values: points.map((p) => p.merged) },
        { label: "one random worker", token: "--naive", width: 2.2, stepped: true, values: points.map((p) => p.naive) },
      ],
    };
    // With many workers the naive line lies flat on the floor of a linear scale: nobody would see it jump.
    if (this.chosen !== "log" && this.chosen !== "linear") this.showScale(highest(points, "merged") > 10 * highest(points, "naive"));
    else if (this.logarithmic !== (this.chosen === "log") || !this.scale.textContent) this.showScale(this.chosen === "log");
    this.chart.show(withGaps(data, 2), view.now - spanSeconds, view.now);
    const [naive, merged] = [falls(points.map((p) => p.naive)), falls(points.map((p) => p.merged))];
    setText(this.falls, `In these three minutes the naive line ${fell(naive)}${naive > 0 ? ": to rate(), each fall is a restart of the service" : ""}. The merged line ${fell(merged)}.`);
    this.falls.hidden = points.length === 0;
  }

  /** What is stored, and after it what was seen live. */
  private points(): Point[] {
    const byTime = new Map<number, Point>();
    for (const line of ["naive", "merged"] as const) {
      const data = this.stored?.[line];
      data?.times.forEach((time, i) => {
        let p = byTime.get(time);
        if (!p) byTime.set(time, (p = { time, naive: null, merged: null }));
        p[line] = data.lines[0]?.values[i] ?? null;
      });
    }
    const points = [...byTime.values()].sort((x, y) => x.time - y.time);
    const end = points.at(-1)?.time ?? -Infinity;
    return [...points, ...this.live.filter((p) => p.time > end)];
  }
}

function highest(points: Point[], line: "naive" | "merged"): number {
  return Math.max(1, ...points.map((p) => p[line] ?? 0));
}

function fell(n: number): string {
  return n === 0 ? "never fell" : n === 1 ? "fell once" : `fell ${n} times`;
}
