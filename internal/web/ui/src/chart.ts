// A time chart on uPlot: colours of the theme, a legend that is text, the width of its place.

import "uplot/dist/uPlot.min.css";
import "./styles/chart.css";
import uPlot from "uplot";
import { fill, h } from "./dom";
import { clock, withUnit } from "./format";
import { yRange, type ChartData, type Line } from "./series";
import { colour, onThemeChange, seriesColour } from "./theme";

export interface ChartOptions {
  height: number;
  unit?: string;
  /** Says what the chart shows, to those who do not see it. */
  label: string;
  showLegend?: boolean;
  /** Called when a reader selects a span of time. */
  onSelect?: (start: number, end: number) => void;
}

const maxLegend = 20;

export class Chart {
  readonly el: HTMLElement;
  private readonly place = h("div", { class: "chart-place" });
  private readonly legend = h("ul", { class: "legend" });
  private plot: uPlot | undefined;
  private data: ChartData = { times: [], lines: [] };
  private span: [number, number] = [0, 1];
  private shape = "";
  private log = false;

  constructor(private readonly options: ChartOptions) {
    this.el = h("figure", { class: "chart", role: "group", "aria-label": options.label }, this.place, options.showLegend && this.legend);
    this.place.style.minHeight = `${options.height}px`;
    new ResizeObserver(() => this.resize()).observe(this.place);
    onThemeChange(() => this.rebuild());
  }

  /** Shows the data over the span from start to end, in Unix seconds. */
  show(data: ChartData, start: number, end: number): void {
    this.data = data;
    this.span = [start, end];
    const shape = JSON.stringify(data.lines.map(({ label, token, width, stepped, filled }) => [label, token, width, stepped, filled]));
    if (shape !== this.shape || !this.plot) {
      this.shape = shape;
      this.rebuild();
    } else {
      this.plot.setData(this.aligned(), true);
    }
  }

  /** A logarithmic y axis from 0 up (linear below 1), so that small and large lines are seen together. */
  set logarithmic(on: boolean) {
    if (on === this.log) return;
    this.log = on;
    this.rebuild();
  }

  private aligned(): uPlot.AlignedData {
    return [this.data.times, ...this.data.lines.map((l) => l.values)];
  }

  private resize(): void {
    const width = this.place.clientWidth;
    if (!this.plot) this.rebuild();
    else if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: this.options.height });
  }

  private rebuild(): void {
    const width = this.place.clientWidth;
    if (width === 0 || this.data.lines.length === 0) {
      this.plot?.destroy();
      this.plot = undefined;
      fill(this.legend);
      return;
    }
    this.plot?.destroy();
    this.plot = new uPlot(this.plotOptions(width), this.aligned(), this.place);
    this.fillLegend();
  }

  private fillLegend(): void {
    if (!this.options.showLegend) return;
    const items = this.data.lines.slice(0, maxLegend).map((l, i) => {
      const mark = h("i", { class: "swatch" });
      mark.style.background = l.token ? `var(${l.token})` : `var(--series-${(i % 10) + 1})`;
      return h("li", { title: l.label }, mark, h("span", {}, l.label));
    });
    const rest = this.data.lines.length - items.length;
    fill(this.legend, ...items, rest > 0 && h("li", { class: "muted" }, `and ${rest} more`));
  }

  private plotOptions(width: number): uPlot.Options {
    const unit = this.options.unit;
    const axis: uPlot.Axis = {
      stroke: colour("--muted"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: colour("--grid"), width: 1 },
      ticks: { show: false },
    };
    return {
      width,
      height: this.options.height,
      legend: { show: false },
      padding: [10, 26, 0, 0],
      cursor: { drag: { x: !!this.options.onSelect, y: false, setScale: false }, points: { size: 7 }, y: false },
      scales: { x: { time: true, range: () => this.span }, y: this.log ? { distr: 4, asinh: 1, range: (_, _low, high) => [0, Math.max(1, (high ?? 1) * 1.4)] } : { range: (_, low, high) => yRange(low, high) } },
      axes: [
        { ...axis, space: 76, size: 28, values: (_, splits) => splits.map(clockLabel(this.span[1] - this.span[0])) },
        { ...axis, size: labelWidth, values: (_, splits) => splits.map((v) => (v === null || (this.log && v < 0) ? "" : withUnit(v, unit))) },
      ],
      series: [{}, ...this.data.lines.map((l, i) => lineSeries(l, i))],
      plugins: [tooltip(() => this.data, unit)],
      hooks: {
        setSelect: [
          (u) => {
            if (u.select.width > 4) this.options.onSelect?.(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
  }
}

/** Room for the labels of the vertical axis: the usual one, and more for durations as long as 13h53m20s. */
function labelWidth(_: uPlot, labels: string[] | null): number {
  const widest = Math.max(0, ...(labels ?? []).map((l) => l?.length ?? 0));
  return Math.max(62, 14 + 6.5 * widest); // a digit of 11 pixels' height is narrower than that
}

function lineSeries(l: Line, i: number): uPlot.Series {
  const stroke = l.token ? colour(l.token) : seriesColour(i);
  return {
    label: l.label,
    stroke,
    width: l.width ?? 1.6,
    fill: l.filled ? withAlpha(stroke, 0.12) : undefined,
    paths: l.stepped ? uPlot.paths.stepped!({ align: 1 }) : uPlot.paths.linear!(),
    points: { show: (u, s) => countValues(u.data[s] as (number | null)[]) === 1, size: 5, fill: stroke },
    spanGaps: false,
  };
}

function countValues(values: (number | null)[]): number {
  return values.filter((v) => v !== null && v !== undefined).length;
}

/** rgb(…) as computed styles have it, see-through. */
function withAlpha(rgb: string, alpha: number): string {
  return rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
}

function clockLabel(span: number): (t: number) => string {
  return (t) => {
    const d = new Date(t * 1000);
    if (span > 2 * 86400) return `${d.getDate()}.${d.getMonth() + 1}. ${d.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
    return d.toLocaleTimeString("en-GB", span > 1800 ? { hour: "2-digit", minute: "2-digit" } : {});
  };
}

/** The values under the cursor, nearest lines first. */
function tooltip(data: () => ChartData, unit: string | undefined): uPlot.Plugin {
  const box = h("div", { class: "tooltip", hidden: true });
  return {
    hooks: {
      init: (u) => u.over.append(box),
      setCursor: (u) => {
        const { idx, left = -1, top = 0 } = u.cursor;
        const time = idx === null || idx === undefined ? undefined : data().times[idx];
        if (left < 0 || time === undefined) {
          box.hidden = true;
          return;
        }
        const at = u.posToVal(top, "y");
        const rows = data()
          .lines.map((l, i) => ({ l, i, v: l.values[idx!] }))
          .filter((r): r is { l: ChartData["lines"][0]; i: number; v: number } => r.v !== null && r.v !== undefined)
          .sort((a, b) => Math.abs(a.v - at) - Math.abs(b.v - at))
          .slice(0, 6)
          .map(({ l, i, v }) => {
            const mark = h("i", { class: "swatch" });
            mark.style.background = l.token ? `var(${l.token})` : `var(--series-${(i % 10) + 1})`;
            return h("div", { class: "tooltip-row" }, mark, h("span", {}, l.label), h("b", {}, withUnit(v, unit)));
          });
        fill(box, h("div", { class: "tooltip-time" }, clock(time)), ...rows);
        box.hidden = rows.length === 0;
        const toLeft = left > u.over.clientWidth / 2;
        box.style.left = toLeft ? "auto" : `${left + 14}px`;
        box.style.right = toLeft ? `${u.over.clientWidth - left + 14}px` : "auto";
        box.style.top = "6px";
      },
    },
  };
}
