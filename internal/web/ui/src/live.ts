// The live snapshots (server-sent events) and what the browser knows about their age.

import type { MaybeNumber } from "./format";

export interface Reading {
  value: MaybeNumber;
  ageSeconds: number;
  everySeconds?: number;
  error?: string;
}
export interface Worker {
  id: string;
  index: number;
  pid: number;
  state: string;
  up: boolean;
  value: MaybeNumber;
  ageSeconds: number;
  error?: string;
}
export interface Replica {
  name: string;
  state: string;
  ready: boolean;
  workers: Worker[] | null;
}
export interface Scale {
  wanted: number;
  running: number;
  ready: number;
  min: number;
  max: number;
  ageSeconds: number;
  everySeconds?: number;
  metric?: string;
  value: MaybeNumber;
  target: MaybeNumber;
  reason?: string;
  error?: string;
}
export interface Strip {
  metric: string;
  help?: string;
  merged: Reading;
  perSecond: Reading;
  perSecondQuery?: string;
  naive: Reading;
  naiveQuery?: string;
  mergedQuery?: string;
  scale?: Scale;
}
export interface Panel {
  title: string;
  query: string;
  unit?: string;
  kind?: string;
  legend?: string;
  description?: string;
}
export interface Setting {
  name: string;
  value: string;
  usual?: string;
}
export interface Application {
  namespace: string;
  name: string;
  description?: string;
  url?: string;
  try?: { label: string; request?: string };
  canKill: boolean;
  strip?: Strip;
  replicas: Replica[] | null;
  panels: Panel[] | null;
  settings: Setting[] | null;
}
export interface Snapshot {
  time: number;
  version?: string;
  applications: Application[];
}

export interface View {
  snapshot: Snapshot | undefined;
  /** Seconds since the last snapshot arrived. */
  silence: number;
  /** The backend's clock now, in Unix seconds. */
  now: number;
}

const base = new URL("api/truecount/v1/", new URL(".", location.href)).href;
const retryMilliseconds = 1000;
const redrawMilliseconds = 200;

/** How long without a snapshot until the page says that the backend is away. */
export const silenceLimit = 2.5;

/** Follows the live snapshots and calls back several times a second, also when none come: ages grow then. */
export function follow(draw: (view: View) => void): void {
  let snapshot: Snapshot | undefined;
  let received = performance.now();
  let source: EventSource | undefined;
  let retry = 0;

  const view = (): View => {
    const silence = (performance.now() - received) / 1000;
    return { snapshot, silence, now: snapshot ? snapshot.time + silence : Date.now() / 1000 };
  };
  const open = () => {
    source?.close();
    source = new EventSource(base + "live");
    source.onmessage = (event: MessageEvent<string>) => {
      snapshot = JSON.parse(event.data) as Snapshot;
      received = performance.now();
      draw(view());
    };
    source.onerror = () => {
      source?.close();
      clearTimeout(retry);
      if (!document.hidden) retry = window.setTimeout(open, retryMilliseconds);
    };
  };
  document.addEventListener("visibilitychange", () => {
    clearTimeout(retry);
    if (document.hidden) source?.close();
    else open();
  });
  setInterval(() => draw(view()), redrawMilliseconds);
  open();
}

/** Whether a value of that age is old: it missed three readings and a second. */
export function isStale(ageSeconds: number, everySeconds = 1): boolean {
  return ageSeconds > 3 * everySeconds + 1;
}

async function post<T>(application: Application, action: string, body: object): Promise<T> {
  const path = `applications/${encodeURIComponent(application.namespace)}/${encodeURIComponent(application.name)}/${action}`;
  let response: Response;
  try {
    response = await fetch(base + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    });
  } catch {
    throw new Error("Truecount cannot be reached");
  }
  const answer = (await response.json().catch(() => ({}))) as T & { error?: string };
  if (!response.ok) throw new Error(answer.error ?? `HTTP ${response.status}`);
  return answer;
}

export const sendTry = (a: Application): Promise<object> => post(a, "try", {});
export const sendKill = (a: Application, pid: number): Promise<{ pid: number }> => post(a, "kill", { pid });
