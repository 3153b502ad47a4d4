// Making elements. Text only ever becomes text: there is no way here to put in markup, and the pages'
// Content-Security-Policy (trusted types) refuses it from anywhere else.

export type Child = Node | string | number | null | undefined | false;

type Props = {
  class?: string;
  on?: { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };
} & { [attribute: string]: unknown };

/** Makes an element. Attributes that are undefined, null or false are left out; true is an attribute without a value. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") {
      for (const [type, listener] of Object.entries(value as Record<string, EventListener>)) el.addEventListener(type, listener);
    } else if (value !== undefined && value !== null && value !== false) {
      el.setAttribute(name, value === true ? "" : String(value));
    }
  }
  append(el, ...children);
  return el;
}

export function append(el: Element, ...children: Child[]): void {
  for (const c of children) {
    if (c === null || c === undefined || c === false) continue;
    el.append(typeof c === "number" ? String(c) : c);
  }
}

export function fill(el: Element, ...children: Child[]): void {
  el.replaceChildren();
  append(el, ...children);
}

/** Sets the text if it differs: a page that is redrawn four times a second must not lose a reader's selection. */
export function setText(el: Element, text: string): void {
  if (el.textContent !== text) el.textContent = text;
}

export function setAttr(el: Element, name: string, value: string | null): void {
  if (value === null) {
    if (el.hasAttribute(name)) el.removeAttribute(name);
  } else if (el.getAttribute(name) !== value) {
    el.setAttribute(name, value);
  }
}

/** A link's target if it is http or https, else undefined: a label may say "javascript:…". */
export function webURL(url: string | undefined): string | undefined {
  if (!url) return undefined;
  try {
    const { protocol } = new URL(url, location.href);
    return protocol === "http:" || protocol === "https:" ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps children in step with items: one element per key, made once, updated each time, in the items' order. */
export class Keyed<T, E extends { el: HTMLElement; update(item: T): void; leave?(): void }> {
  private readonly parts = new Map<string, E>();
  constructor(
    private readonly parent: HTMLElement,
    private readonly make: (item: T) => E,
  ) {}

  update(items: T[], key: (item: T) => string): void {
    const seen = new Set<string>();
    let before: Element | null = this.parent.firstElementChild;
    for (const item of items) {
      const k = key(item);
      if (seen.has(k)) continue;
      seen.add(k);
      let part = this.parts.get(k);
      if (!part) this.parts.set(k, (part = this.make(item)));
      while (before && before.hasAttribute("data-leaving")) before = before.nextElementSibling;
      if (part.el !== before) this.parent.insertBefore(part.el, before);
      else before = before.nextElementSibling;
      part.update(item);
    }
    for (const [k, part] of this.parts) {
      if (seen.has(k)) continue;
      this.parts.delete(k);
      if (part.leave) part.leave();
      else part.el.remove();
    }
  }
}
