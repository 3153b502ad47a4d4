import { describe, expect, test } from "vitest";
import { age, ago, compact, count, duration, legend, parseDuration, quantity, seriesName, short, withUnit } from "./format";

test("a count is exact", () => {
  expect(count(0)).toBe("0");
  expect(count(1234567)).toBe("1,234,567");
  expect(count(null)).toBe("–");
  expect(count(NaN)).toBe("–");
});

test("a compact count never shows more than there is", () => {
  expect([999, 1000, 1299, 9999, 12999, 1_999_999].map(compact)).toEqual(["999", "1.0k", "1.2k", "9.9k", "12k", "1.9M"]);
});

test("a short number has about three digits", () => {
  expect([0, 0.016666, 0.00001, 12.34, 999.9, 1234, 56789, 1.5e6, -2.5].map(short)).toEqual(["0", "0.0167", "1.0e-5", "12.3", "1000", "1,234", "56.8k", "1.5M", "-2.5"]);
  expect(short(Infinity)).toBe("+Inf");
  expect(short(NaN)).toBe("–");
});

test("quantities are written as Kubernetes writes them", () => {
  expect([0, 0.0167, 0.01, 1, 2.5].map(quantity)).toEqual(["0", "16.7m", "10m", "1", "2.5"]);
});

test("units", () => {
  expect(withUnit(0.0123, "s")).toBe("12.3 ms");
  expect(withUnit(0.0000123, "s")).toBe("12.3 µs");
  expect(withUnit(90, "s")).toBe("1m30s");
  expect(withUnit(0.5, "percentunit")).toBe("50 %");
  expect(withUnit(2048, "bytes")).toBe("2 KiB");
  expect(withUnit(3, "reqps")).toBe("3 /s");
  expect(withUnit(1500, "m")).toBe("1.5 km");
  expect(withUnit(7, "dogs")).toBe("7 dogs");
});

test("ages", () => {
  expect(ago(0.23)).toBe("0.2 s ago");
  expect(ago(-3)).toBe("0.0 s ago"); // clocks that differ make nothing younger than now
  expect(ago(null)).toBe("never");
  expect([45, 200, 7200, 200000].map(age)).toEqual(["45 s", "3 min", "2 h", "2 d"]);
});

describe("durations", () => {
  test("are read and written as Prometheus does", () => {
    for (const d of ["1s", "5m", "1h30m", "1d", "500ms"]) expect(duration(parseDuration(d)!)).toBe(d);
    expect(parseDuration("1w")).toBe(604800);
  });
  test.each(["", "5", "m", "5 m", "0s", "1x", "-1m"])("%j is none", (text) => expect(parseDuration(text)).toBeUndefined());
});

test("a series is written as Prometheus writes it", () => {
  expect(seriesName({ __name__: "up", job: "a\"b" })).toBe('up{job="a\\"b"}');
  expect(seriesName({ __name__: "up" })).toBe("up");
  expect(seriesName({})).toBe("{}");
  expect(seriesName({ __name__: "with space", "a.b": "c" })).toBe('{"with space", "a.b"="c"}');
});

test("a legend takes labels' values as text", () => {
  expect(legend("{{ pod }} of {{missing}}", { pod: "<b>" })).toBe("<b> of ");
  expect(legend("", { pod: "a" })).toBe('{pod="a"}');
});
