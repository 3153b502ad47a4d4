// What the list pages share: a filter that is in the URL, labels, and refreshing with an honest age.

import { h, setAttr, setText } from "../dom";
import { age } from "../format";
import type { Labels } from "../prometheus";

export interface FilterBar {
  el: HTMLElement;
  choice(): string;
  words(): string[];
  onChange(listener: () => void): void;
}

/** A row of choices (?state=) and a text field (?q=). */
export function filterBar(choices: string[], hint: string): FilterBar {
  const params = new URLSearchParams(location.search);
  let chosen = choices.includes(params.get("state") ?? "") ? params.get("state")! : choices[0]!;
  const listeners: (() => void)[] = [];
  const field = h("input", { type: "search", class: "field filter-field", placeholder: hint, "aria-label": hint, "data-testid": "filter", spellcheck: "false" });
  field.value = params.get("q") ?? "";
  const changed = () => {
    const url = new URL(location.href);
    for (const [key, value, usual] of [["state", chosen, choices[0]!], ["q", field.value.trim(), ""]] as const) {
      if (value === usual) url.searchParams.delete(key);
      else url.searchParams.set(key, value);
    }
    history.replaceState(null, "", url);
    mark();
    for (const l of listeners) l();
  };
  const buttons = choices.map((c) => h("button", { type: "button", "data-choice": c, on: { click: () => ((chosen = c), changed()) } }, c));
  const mark = () => buttons.forEach((b, i) => setAttr(b, "aria-pressed", String(choices[i] === chosen)));
  field.addEventListener("input", changed);
  mark();
  return {
    el: h("div", { class: "filter" }, h("div", { class: "segmented", role: "group", "aria-label": "State" }, ...buttons), field),
    choice: () => chosen,
    words: () => field.value.toLowerCase().split(/\s+/).filter(Boolean),
    onChange: (l) => void listeners.push(l),
  };
}

/** Whether all words occur in the texts. */
export function matches(words: string[], ...texts: string[]): boolean {
  const all = texts.join("\n").toLowerCase();
  return words.every((w) => all.includes(w));
}

export function labelList(labels: Labels): HTMLElement {
  return h("div", { class: "labels" }, ...Object.entries(labels).map(([k, v]) => h("span", { class: "label" }, h("span", { class: "label-name" }, k), "=", h("span", { class: "label-value" }, JSON.stringify(v)))));
}

/**
 * Loads now and every few seconds, draws what came, and again when the filter changes. While loading fails, what was last
 * good stays, with its age.
 */
export function refreshing<T>(main: HTMLElement, seconds: number, load: () => Promise<T>, bar: FilterBar | undefined, draw: (data: T) => void): void {
  const banner = h("div", { class: "banner", role: "alert", hidden: true, "data-testid": "stale-banner" });
  main.prepend(banner);
  let data: T | undefined;
  let drawn = "";
  let loadedAt = 0;
  const redraw = () => {
    if (data !== undefined) draw(data);
  };
  const tick = async () => {
    if (!document.hidden || data === undefined) {
      try {
        data = await load();
        loadedAt = performance.now();
        banner.hidden = true;
        main.classList.remove("away");
        const now = JSON.stringify(data);
        if (now !== drawn && !hasSelection(main)) {
          drawn = now;
          redraw();
        }
      } catch (err) {
        banner.hidden = false;
        main.classList.toggle("away", data !== undefined);
        const since = data === undefined ? "" : ` What you see was loaded ${age((performance.now() - loadedAt) / 1000)} ago.`;
        setText(banner, `${(err as Error).message}.${since}`);
      }
    }
    setTimeout(tick, seconds * 1000);
  };
  bar?.onChange(redraw);
  void tick();
}

/** A reader who marks text to copy it keeps it. */
function hasSelection(within: HTMLElement): boolean {
  const s = getSelection();
  return !!s && !s.isCollapsed && within.contains(s.anchorNode);
}
