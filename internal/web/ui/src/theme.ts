// Light, dark, or as the system says. The choice is a cookie that the server puts into the page, so that it never flashes.

import { h, setAttr } from "./dom";

const themes = ["auto", "light", "dark"] as const;
type Theme = (typeof themes)[number];
const symbols: Record<Theme, string> = { auto: "◐", light: "☀", dark: "☾" };
const system = matchMedia("(prefers-color-scheme: dark)");
const changed = new EventTarget();

function current(): Theme {
  const t = document.documentElement.dataset.theme as Theme;
  return themes.includes(t) ? t : "auto";
}

/** Calls back whenever the colours change: charts paint them into a canvas. */
export function onThemeChange(listener: () => void, signal?: AbortSignal): void {
  changed.addEventListener("change", listener, { signal });
}

export function themeButton(): HTMLElement {
  const button = h("button", { type: "button", class: "icon-button", "data-testid": "theme" });
  const show = () => {
    button.textContent = symbols[current()];
    setAttr(button, "aria-label", `Colours: ${current()}. Change`);
    setAttr(button, "title", `Colours: ${current()}`);
  };
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(current()) + 1) % themes.length]!;
    document.documentElement.dataset.theme = next;
    document.cookie = `truecount-theme=${next}; path=/; max-age=31536000; SameSite=Lax`;
    show();
    changed.dispatchEvent(new Event("change"));
  });
  system.addEventListener("change", () => changed.dispatchEvent(new Event("change")));
  show();
  return button;
}

/** The value of a colour token, as canvas takes it. */
export function colour(token: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** The nth colour of a series. */
export function seriesColour(n: number): string {
  return colour(`--series-${(n % 10) + 1}`);
}
