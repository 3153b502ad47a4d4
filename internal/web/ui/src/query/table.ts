// The result of an instant query as a table.

import { h, type Child } from "../dom";
import { clock, seriesName } from "../format";
import { moreRows } from "../lists/rows";
import type { Histogram, InstantSeries, Labels, RangeSeries, Result } from "../prometheus";

export function resultTable(result: Result): HTMLElement {
  switch (result.resultType) {
    case "scalar":
    case "string":
      return table([h("tr", { "data-testid": "result-row" }, h("td", {}, result.resultType), h("td", { class: "value" }, result.result[1]))]);
    case "vector":
      return rows(result.result, (s: InstantSeries) => [s.metric, s.histogram ? histogramText(s.histogram[1]) : (s.value?.[1] ?? "")]);
    case "matrix":
      return rows(result.result, (s: RangeSeries) => [s.metric, samples(s)]);
  }
}

function rows<S>(series: S[], parts: (s: S) => [Labels, Child]): HTMLElement {
  if (series.length === 0) return h("p", { class: "empty" }, "The result is empty: no series match.");
  const body = h("tbody");
  const note = moreRows(body, series, (s) => {
    const [labels, value] = parts(s);
    return h("tr", { "data-testid": "result-row" }, h("td", {}, seriesLabels(labels)), h("td", { class: "value" }, value));
  });
  return h("div", {}, table([], body), note);
}

function table(trs: HTMLElement[], body = h("tbody", {}, ...trs)): HTMLElement {
  return h("div", { class: "scroll" }, h("table", { class: "result" }, h("thead", { class: "visually-hidden" }, h("tr", {}, h("th", { scope: "col" }, "series"), h("th", { scope: "col" }, "value"))), body));
}

/** name{label="value"} with its parts told apart by colour. */
export function seriesLabels(labels: Labels): HTMLElement {
  const { __name__: name, ...rest } = labels;
  const el = h("code", { class: "series", title: seriesName(labels) });
  if (name) el.append(h("span", { class: "series-name" }, name));
  const entries = Object.entries(rest);
  if (entries.length === 0) {
    if (!name) el.append("{}");
    return el;
  }
  el.append("{");
  entries.forEach(([k, v], i) => el.append(i > 0 ? ", " : "", h("span", { class: "label-name" }, k), "=", h("span", { class: "label-value" }, JSON.stringify(v))));
  el.append("}");
  return el;
}

const maxSamples = 50;

function samples(s: RangeSeries): HTMLElement {
  const all = s.values ?? (s.histograms ?? []).map(([t, v]): [number, string] => [t, histogramText(v)]);
  const shown = all.slice(-maxSamples);
  const rest = all.length - shown.length;
  return h("div", { class: "samples" }, rest > 0 && h("div", { class: "muted" }, `${rest} older`), ...shown.map(([t, v]) => h("div", {}, `${v} `, h("span", { class: "muted" }, `@ ${clock(t)}`))));
}

function histogramText(v: Histogram): string {
  return `count ${v.count}, sum ${v.sum}${v.buckets ? `, ${v.buckets.length} buckets` : ""}`;
}
