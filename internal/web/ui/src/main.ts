// The frame of all pages, and which page this is.

import "./styles/tokens.css";
import "./styles/base.css";
import { h } from "./dom";
import { themeButton } from "./theme";

const pages: { path: string; title: string; load: () => Promise<{ show(main: HTMLElement): void }> }[] = [
  { path: "", title: "Overview", load: () => import("./home/home") },
  { path: "query", title: "Query", load: () => import("./query/query") },
  { path: "targets", title: "Target health", load: () => import("./lists/targets") },
  { path: "rules", title: "Rule health", load: () => import("./lists/rules") },
  { path: "alerts", title: "Alerts", load: () => import("./lists/alerts") },
];

function tally(): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("aria-hidden", "true");
  for (const [d, kind] of [["M7 6v20M13 6v20M19 6v20M25 6v20", "tally-strokes"], ["M3 23 29 9", "tally-bar"]] as const) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d);
    path.setAttribute("class", kind);
    svg.append(path);
  }
  return svg;
}

async function start(): Promise<void> {
  const here = location.pathname.split("/").pop() ?? "";
  const page = pages.find((p) => p.path === here) ?? pages[0]!;
  document.title = page.path === "" ? "Truecount" : `${page.title} · Truecount`;

  const links = pages.map((p) =>
    h("a", { href: p.path === "" ? "./" : p.path, "aria-current": p === page ? "page" : undefined }, p.title),
  );
  const main = h("main", { id: "main", tabindex: "-1" });
  document.body.append(
    h("a", { class: "skip", href: "#main" }, "Skip to content"),
    h(
      "header",
      { class: "bar" },
      h("a", { class: "brand", href: "./", "aria-label": "Truecount, overview" }, tally() as unknown as HTMLElement, h("span", {}, "Truecount")),
      h("nav", { "aria-label": "Pages" }, ...links),
      h("div", { class: "bar-end", id: "bar-end" }, themeButton()),
    ),
    main,
    h("footer", { class: "foot", id: "foot" }, h("span", {}, "Truecount: one true count for all workers of a service.")),
  );
  (await page.load()).show(main);
}

void start();
