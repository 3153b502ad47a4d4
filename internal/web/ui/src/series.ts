// Series as a chart takes them: on one axis of times, with gaps where there is nothing.

import type { RangeSeries } from "./prometheus";

export interface Line {
  label: string;
  /** A colour token; the palette's next if absent. */
  token?: string;
  width?: number;
  /** Draw as steps: the value held until the next one. */
  stepped?: boolean;
  filled?: boolean;
}

export interface ChartData {
  times: number[];
  lines: (Line & { values: (number | null)[] })[];
}

/** More lines than this are not drawn: nobody tells them apart, and browsers get slow. */
export const maxLines = 100;

/** Puts series on one axis of times; where a series has no sample there is a gap. Series beyond maxLines are left out. */
export function align(result: RangeSeries[], name: (labels: Record<string, string>) => string, line: Partial<Line> = {}): ChartData {
  const drawn = result.slice(0, maxLines);
  const samples = drawn.map((s) => s.values ?? (s.histograms ?? []).map(([t, v]): [number, string] => [t, v.count]));
  const times = [...new Set(samples.flatMap((s) => s.map(([t]) => t)))].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  const lines = drawn.map((s, i) => {
    const values = new Array<number | null>(times.length).fill(null);
    for (const [t, v] of samples[i]!) {
      const n = Number(v); // "NaN", "+Inf": a gap
      values[at.get(t)!] = Number.isFinite(n) ? n : null;
    }
    return { label: name(s.metric), ...line, values };
  });
  return { times, lines };
}

/** Adds what a chart would show as an unbroken line although there were no samples: an empty point in each hole. */
export function withGaps(data: ChartData, step: number): ChartData {
  const times: number[] = [];
  const values: (number | null)[][] = data.lines.map(() => []);
  data.times.forEach((t, i) => {
    const before = data.times[i - 1];
    if (before !== undefined && t - before > step * 1.5) {
      times.push(before + step);
      values.forEach((v) => v.push(null));
    }
    times.push(t);
    data.lines.forEach((l, n) => values[n]!.push(l.values[i] ?? null));
  });
  return { times, lines: data.lines.map((l, n) => ({ ...l, values: values[n]! })) };
}

/** From 0 where that is not a waste of the place, with room above. A flat line lies neither on the floor nor the ceiling. */
export function yRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  // A quantile that stands still differs by the last bits of its arithmetic: that is no movement to show.
  if (high - low <= 1e-12 * Math.max(Math.abs(low), Math.abs(high))) return low === 0 ? [0, 1] : low > 0 ? [0, low * 1.5] : [low * 1.5, 0];
  const room = (high - low) * 0.08;
  return [low >= 0 && low < high * 0.7 ? 0 : low - room, high <= 0 && high > low * 0.7 ? 0 : high + room];
}

/** How often a line went down. */
export function falls(values: (number | null)[]): number {
  let n = 0;
  let last: number | null = null;
  for (const v of values) {
    if (v === null) continue;
    if (last !== null && v < last) n++;
    last = v;
  }
  return n;
}
