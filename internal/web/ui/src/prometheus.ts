// Asking Prometheus' HTTP API, /api/v1, which is served beside these pages.

export type Labels = Record<string, string>;
export type Sample = [time: number, value: string];
export interface Histogram {
  count: string;
  sum: string;
  buckets?: [number, string, string, string][];
}
export interface InstantSeries {
  metric: Labels;
  value?: Sample;
  histogram?: [number, Histogram];
}
export interface RangeSeries {
  metric: Labels;
  values?: Sample[];
  histograms?: [number, Histogram][];
}
export type Result =
  | { resultType: "vector"; result: InstantSeries[] }
  | { resultType: "matrix"; result: RangeSeries[] }
  | { resultType: "scalar" | "string"; result: Sample };

export interface Answer<T> {
  data: T;
  warnings: string[];
  infos: string[];
}

export interface Target {
  labels: Labels;
  discoveredLabels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl: string;
  health: "up" | "down" | "unknown";
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  scrapeInterval: string;
  scrapeTimeout: string;
}

export interface Alert {
  labels: Labels;
  annotations: Labels;
  state: "pending" | "firing" | "inactive";
  activeAt?: string;
  value: string;
}

export interface Rule {
  type: "alerting" | "recording";
  name: string;
  query: string;
  labels?: Labels;
  annotations?: Labels;
  duration?: number;
  health: "ok" | "err" | "unknown";
  lastError?: string;
  state?: "pending" | "firing" | "inactive";
  alerts?: Alert[];
  evaluationTime: number;
  lastEvaluation: string;
}

export interface RuleGroup {
  name: string;
  file: string;
  interval: number;
  rules: Rule[];
  evaluationTime: number;
  lastEvaluation: string;
}

export const apiBase = new URL("api/v1", new URL(".", location.href)).href;

const timeoutSeconds = 30;

/** Asks; throws an Error whose message a reader understands. */
async function ask<T>(path: string, params: Record<string, string>, signal?: AbortSignal): Promise<Answer<T>> {
  const query = new URLSearchParams(params).toString();
  const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
  let response: Response;
  try {
    // A long expression does not fit into a URL: Prometheus takes queries as forms, too.
    const asForm = query.length > 2000;
    response = await fetch(`${apiBase}/${path}${asForm || !query ? "" : "?" + query}`, {
      method: asForm ? "POST" : "GET",
      body: asForm ? new URLSearchParams(params) : undefined,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (err) {
    if (timeout.aborted) throw new Error(`no answer within ${timeoutSeconds} s`);
    if (signal?.aborted) throw err;
    throw new Error("Truecount cannot be reached");
  }
  let body: { status?: string; data?: T; error?: string; errorType?: string; warnings?: string[]; infos?: string[] };
  try {
    body = await response.json();
  } catch {
    throw new Error(`the answer is not JSON (HTTP ${response.status})`);
  }
  if (body.status !== "success" || body.data === undefined) {
    throw new Error(body.error ? `${body.errorType ? body.errorType + ": " : ""}${body.error}` : `HTTP ${response.status}`);
  }
  return { data: body.data, warnings: body.warnings ?? [], infos: body.infos ?? [] };
}

export function instant(expr: string, time: number | undefined, signal?: AbortSignal): Promise<Answer<Result>> {
  return ask("query", time === undefined ? { query: expr } : { query: expr, time: String(time) }, signal);
}

export interface Span {
  start: number;
  end: number;
  step: number;
}

export async function range(expr: string, span: Span, signal?: AbortSignal): Promise<Answer<RangeSeries[]>> {
  const params = { query: expr, start: String(span.start), end: String(span.end), step: String(span.step) };
  const answer = await ask<{ result: RangeSeries[] }>("query_range", params, signal);
  return { ...answer, data: answer.data.result };
}

export async function targets(signal?: AbortSignal): Promise<Target[]> {
  return (await ask<{ activeTargets: Target[] }>("targets", { state: "active" }, signal)).data.activeTargets ?? [];
}

export async function ruleGroups(signal?: AbortSignal): Promise<RuleGroup[]> {
  return (await ask<{ groups: RuleGroup[] }>("rules", {}, signal)).data.groups ?? [];
}

/** The span of the last seconds, with a step that gives about `points` points, on whole steps so that lines stand still. */
export function lastSpan(seconds: number, end = Date.now() / 1000, points = 240, minStep = 1): Span {
  const step = Math.max(minStep, Math.ceil(seconds / points));
  const last = Math.floor(end / step) * step;
  return { start: last - Math.ceil(seconds / step) * step, end: last, step };
}
