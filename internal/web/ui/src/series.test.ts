import { describe, expect, test } from "vitest";
import type { RangeSeries } from "./prometheus";
import { align, falls, maxLines, withGaps, yRange } from "./series";

const series = (values: [number, string][], metric = {}): RangeSeries => ({ metric, values });

test("series with different times get one axis, and gaps", () => {
  const data = align([series([[1, "1"], [2, "2"]]), series([[2, "5"], [3, "NaN"]])], () => "x");
  expect(data.times).toEqual([1, 2, 3]);
  expect(data.lines.map((l) => l.values)).toEqual([[1, 2, null], [null, 5, null]]);
});

test("infinities and NaN are gaps, never 0", () => {
  expect(align([series([[1, "+Inf"], [2, "-Inf"], [3, "NaN"], [4, "0"]])], () => "x").lines[0]!.values).toEqual([null, null, null, 0]);
});

test("native histograms are drawn by their counts", () => {
  expect(align([{ metric: {}, histograms: [[1, { count: "7", sum: "1" }]] }], () => "x").lines[0]!.values).toEqual([7]);
});

test("more series than can be told apart are left out", () => {
  expect(align(Array.from({ length: maxLines + 1 }, () => series([[1, "1"]])), () => "x").lines).toHaveLength(maxLines);
});

test("a hole in time is not drawn as a line", () => {
  const data = withGaps(align([series([[0, "1"], [10, "2"], [60, "3"]])], () => "x"), 10);
  expect(data.times).toEqual([0, 10, 20, 60]);
  expect(data.lines[0]!.values).toEqual([1, 2, null, 3]);
});

describe("the y axis", () => {
  test("begins at 0 unless that wastes the place", () => {
    expect(yRange(0, 10)).toEqual([0, 10.8]);
    expect(yRange(99, 100)[0]).toBeGreaterThan(98);
  });
  test("of a flat line has room", () => {
    expect(yRange(10, 10)).toEqual([0, 15]);
    expect(yRange(0, 0)).toEqual([0, 1]);
    expect(yRange(0.0095, 0.0095 * (1 + 1e-15))).toEqual([0, 0.0095 * 1.5]); // noise of arithmetic
    expect(yRange(1.7e9, 1.7e9 + 1)[0]).toBeGreaterThan(1.6e9); // a small change of a large number is one
  });
  test("of nothing is there", () => expect(yRange(null, null)).toEqual([0, 1]));
});

test("falls are counted over gaps", () => {
  expect(falls([1, null, 5, 2, 2, null, 1, 9])).toBe(2);
  expect(falls([null])).toBe(0);
});
