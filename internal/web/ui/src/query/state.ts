// The query page's state in its URL, under Prometheus' names (g0.expr, g0.tab, g0.range_input, …), so that links work
// both ways.

export interface PanelState {
  expr: string;
  tab: "table" | "graph";
  /** "1h" */
  range: string;
  /** The end of the graph or the moment of the table, Unix seconds; absent: now. */
  end?: number;
  /** Seconds between points; absent: as fits. */
  step?: number;
}

export const fresh = (): PanelState => ({ expr: "", tab: "table", range: "1h" });

export function decode(search: string): PanelState[] {
  const params = new URLSearchParams(search);
  const panels = new Map<number, PanelState>();
  for (const [key, value] of params) {
    const match = /^g(\d{1,3})\.(.+)$/.exec(key);
    if (!match) continue;
    const n = Number(match[1]);
    const p = panels.get(n) ?? fresh();
    panels.set(n, p);
    switch (match[2]) {
      case "expr":
        p.expr = value;
        break;
      case "tab":
        p.tab = value === "0" || value === "graph" ? "graph" : "table";
        break;
      case "range_input":
        if (value) p.range = value;
        break;
      case "end_input":
      case "moment_input":
        p.end = parseTime(value);
        break;
      case "step_input":
        if (Number(value) > 0) p.step = Number(value);
        break;
    }
  }
  const sorted = [...panels].sort(([a], [b]) => a - b).map(([, p]) => p);
  return sorted.length > 0 ? sorted : [fresh()];
}

export function encode(panels: PanelState[]): string {
  const params = new URLSearchParams();
  panels.forEach((p, n) => {
    params.set(`g${n}.expr`, p.expr);
    params.set(`g${n}.tab`, p.tab === "graph" ? "0" : "1");
    params.set(`g${n}.range_input`, p.range);
    if (p.end !== undefined) params.set(`g${n}.${p.tab === "graph" ? "end_input" : "moment_input"}`, formatTime(p.end));
    if (p.step !== undefined) params.set(`g${n}.step_input`, String(p.step));
  });
  return "?" + params.toString();
}

/** Prometheus writes times in UTC, "2026-11-20 06:15:00". */
export function formatTime(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}

export function parseTime(text: string): number | undefined {
  const match = /^\s*(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?))?\s*$/.exec(text);
  if (!match) return undefined;
  const ms = Date.parse(`${match[1]}T${match[2] ?? "00:00"}Z`);
  return Number.isFinite(ms) ? ms / 1000 : undefined;
}

const steps = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

/** A round step that gives at most 300 points. */
export function stepFor(rangeSeconds: number): number {
  const exact = rangeSeconds / 300;
  return steps.find((s) => s >= exact) ?? Math.ceil(exact / 86400) * 86400;
}
