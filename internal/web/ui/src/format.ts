// Numbers, ages and durations as text.

export type MaybeNumber = number | null | undefined;
const none = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** An exact count: 1,234,567. */
export function count(v: MaybeNumber): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return none;
  return Number.isInteger(v) ? whole.format(v) : short(v);
}

/** A count where there is little room: 999, 1.2k, 12k. */
export function compact(v: MaybeNumber): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return none;
  if (v < 1000) return count(v);
  for (const [size, suffix] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) {
    if (v >= size) return (v / size < 10 ? (Math.floor(v / size * 10) / 10).toFixed(1) : Math.floor(v / size).toFixed(0)) + suffix;
  }
  return none;
}

/** About three digits: 0.0167, 12.3, 1.23M. */
export function short(v: MaybeNumber): string {
  if (v === null || v === undefined || Number.isNaN(v)) return none;
  if (!Number.isFinite(v)) return v > 0 ? "+Inf" : "-Inf";
  const abs = Math.abs(v);
  if (abs === 0) return "0";
  if (abs < 1e-4) return v.toExponential(1);
  for (const [limit, suffix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]] as const) {
    if (abs >= limit) return threeDigits(v / (limit === 1e4 ? 1e3 : limit)) + suffix;
  }
  if (abs >= 1000) return whole.format(v);
  return threeDigits(v);
}

function threeDigits(v: number): string {
  return String(Number(v.toPrecision(3))); // without exponents and trailing zeros
}

/** As Kubernetes writes quantities: 0.0167 is 16.7m. */
export function quantity(v: MaybeNumber): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return none;
  if (v !== 0 && Math.abs(v) < 1) return threeDigits(v * 1000) + "m";
  return short(v);
}

/** A value with its unit, one of Grafana's ids. */
export function withUnit(v: MaybeNumber, unit = ""): string {
  if (v === null || v === undefined || Number.isNaN(v)) return none;
  switch (unit) {
    case "s":
      return Math.abs(v) >= 60 ? duration(v) : Math.abs(v) < 1 && v !== 0 ? withUnit(v * 1000, "ms") : `${short(v)} s`;
    case "ms":
      return Math.abs(v) < 1 && v !== 0 ? `${short(v * 1000)} µs` : `${short(v)} ms`;
    case "percentunit":
      return `${short(v * 100)} %`;
    case "percent":
      return `${short(v)} %`;
    case "bytes":
      return bytes(v);
    case "reqps":
    case "ops":
      return `${short(v)} /s`;
    case "":
    case "short":
    case "none":
      return short(v);
    case "m":
    case "lengthm":
      return Math.abs(v) >= 1000 ? `${short(v / 1000)} km` : `${short(v)} m`;
    default:
      return `${short(v)} ${unit}`;
  }
}

function bytes(v: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  while (Math.abs(v) >= 1024 && i < units.length - 1) {
    v /= 1024;
    i++;
  }
  return `${short(v)} ${units[i]}`;
}

/** "0.2 s ago" */
export function ago(seconds: MaybeNumber): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "never";
  return `${age(Math.max(0, seconds))} ago`;
}

export function age(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

const unitSeconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400, w: 604800, y: 31536000 };

/** Reads Prometheus' durations, "1h30m", in seconds; undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  const t = text.trim();
  if (!/^(\d+(ms|[smhdwy]))+$/.test(t)) return undefined;
  let sum = 0;
  for (const [, n, unit] of t.matchAll(/(\d+)(ms|[smhdwy])/g)) sum += Number(n) * unitSeconds[unit!]!;
  return sum > 0 ? sum : undefined;
}

/** Writes a duration as Prometheus does: 5400 is "1h30m". */
export function duration(seconds: number): string {
  let ms = Math.round(seconds * 1000);
  if (ms === 0) return "0s";
  const sign = ms < 0 ? "-" : "";
  ms = Math.abs(ms);
  let out = "";
  for (const [unit, size] of [["d", 86400000], ["h", 3600000], ["m", 60000], ["s", 1000], ["ms", 1]] as const) {
    const n = Math.floor(ms / size);
    if (n > 0) out += n + unit;
    ms -= n * size;
  }
  return sign + out;
}

/** 14:03:22 in the reader's time zone; with the date when it is another day. */
export function clock(unixSeconds: number): string {
  const d = new Date(unixSeconds * 1000);
  const time = d.toLocaleTimeString("en-GB");
  return d.toDateString() === new Date().toDateString() ? time : `${d.toLocaleDateString("en-CA")} ${time}`;
}

/** A series as Prometheus writes it: name{label="value"}. */
export function seriesName(labels: Record<string, string>): string {
  const { __name__: name = "", ...rest } = labels;
  const pairs = Object.entries(rest).map(([k, v]) => `${quotedName(k)}=${JSON.stringify(v)}`);
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name) && name !== "") pairs.unshift(JSON.stringify(name));
  else if (pairs.length === 0) return name || "{}";
  else return `${name}{${pairs.join(", ")}}`;
  return `{${pairs.join(", ")}}`;
}

function quotedName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);
}

/** Fills in {{label}}; without a template the name of the series. */
export function legend(template: string | undefined, labels: Record<string, string>): string {
  if (!template) return seriesName(labels);
  return template.replace(/\{\{\s*([^}\s]+)\s*\}\}/g, (_, name: string) => labels[name] ?? "");
}
