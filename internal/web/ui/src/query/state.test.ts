import { expect, test } from "vitest";
import { decode, encode, fresh, parseTime, stepFor, type PanelState } from "./state";

test("what is written into the URL is read back", () => {
  const panels: PanelState[] = [
    { expr: 'sum(rate(a{b="c&d=e#f"}[5m])) + 1', tab: "graph", range: "15m", end: 1795156224, step: 5 },
    { expr: "up", tab: "table", range: "1h", end: 1795156224 },
  ];
  expect(decode(encode(panels))).toEqual(panels);
});

test("links of Prometheus 2 and 3 are understood", () => {
  expect(decode("?g0.expr=up&g0.tab=0&g0.stacked=0&g0.range_input=2h&g1.expr=down&g1.tab=table")).toEqual([
    { expr: "up", tab: "graph", range: "2h" },
    { expr: "down", tab: "table", range: "1h" },
  ]);
  expect(decode("?g0.expr=up&g0.tab=graph")[0]!.tab).toBe("graph");
});

test("panels keep the order of their numbers", () => {
  expect(decode("?g10.expr=c&g2.expr=b&g0.expr=a").map((p) => p.expr)).toEqual(["a", "b", "c"]);
});

test.each(["", "?x=y", "?g0", "?g99999.expr=up"])("%j gives one empty panel", (search) => {
  expect(decode(search)).toEqual([fresh()]);
});

test("times are UTC, as in Prometheus", () => {
  expect(parseTime("2026-11-20 06:15:00")).toBe(Date.UTC(2026, 10, 20, 6, 15) / 1000);
  expect(parseTime("2026-11-20")).toBe(Date.UTC(2026, 10, 20) / 1000);
  expect(parseTime("yesterday")).toBeUndefined();
  expect(parseTime("2026-99-99 00:00")).toBeUndefined();
});

test("steps are round and give at most 300 points", () => {
  for (const seconds of [60, 300, 3600, 86400, 604800, 31536000 * 3]) {
    expect(seconds / stepFor(seconds)).toBeLessThanOrEqual(300);
  }
  expect(stepFor(3600)).toBe(15);
});
