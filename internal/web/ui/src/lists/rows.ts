// Long lists stay fast: rows are made as the reader comes to them.

import { h, setText } from "../dom";

const chunk = 200;

/** Fills body with the first items and with more whenever the end comes into view; returns the note to put below it. */
export function moreRows<T>(body: HTMLElement, items: T[], row: (item: T) => HTMLElement): HTMLElement {
  let shown = 0;
  const text = h("span");
  const button = h("button", { type: "button", class: "plain" }, "show more");
  const note = h("p", { class: "rows-note", "data-testid": "rows-note", "data-total": String(items.length) }, text, " ", button);
  const add = () => {
    const made = items.slice(shown, shown + chunk).map(row);
    shown += made.length;
    body.append(...made);
    setText(text, shown < items.length ? `${shown} of ${items.length} rows` : items.length > chunk ? `all ${items.length} rows` : "");
    button.hidden = shown >= items.length;
    if (shown >= items.length) seen.disconnect();
  };
  const seen = new IntersectionObserver((entries) => {
    if (entries.some((e) => e.isIntersecting)) add();
  });
  button.addEventListener("click", add);
  add();
  if (shown < items.length) seen.observe(note);
  return note;
}
