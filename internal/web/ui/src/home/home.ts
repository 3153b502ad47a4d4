// The first page: the chain of one metric, live, and the applications with their charts.

import "../styles/chain.css";
import "../styles/stations.css";
import "../styles/overview.css";
import "../styles/narrow.css";
import { fill, h, setAttr, setText } from "../dom";
import { age, clock } from "../format";
import { follow, silenceLimit, type Application, type View } from "../live";
import { ApplicationCharts } from "./panels";
import { StripView } from "./strip";

export function show(main: HTMLElement): void {
  const pill = h("span", { class: "pill", "data-testid": "connection", role: "status" }, "connecting");
  document.getElementById("bar-end")!.prepend(pill);
  const banner = h("div", { class: "banner", role: "alert", hidden: true, "data-testid": "stale-banner" });
  const place = h("div", {});
  const charts = new ApplicationCharts();
  fill(main, h("h1", { class: "visually-hidden" }, "Overview"), banner, place, charts.el);

  let strip: StripView | undefined;
  let waiting: HTMLElement | undefined;
  follow((view) => {
    showSilence(view, pill, banner);
    main.classList.toggle("away", view.silence > silenceLimit);
    const apps = view.snapshot?.applications ?? [];
    const chosen = chosenApplication(apps);
    if (!chosen?.strip) {
      if (strip || !waiting) {
        strip = undefined;
        fill(place, (waiting = h("p", { class: "empty" }, "")));
      }
      setText(waiting!, view.snapshot ? "No application here has a counter to follow from its workers to their total: name it as spec.show in the file, or with truecount up --show METRIC -- COMMAND." : "Waiting for the first values …");
    } else {
      const key = `${chosen.namespace}/${chosen.name} ${chosen.strip.metric}`;
      if (!strip || strip.key !== key) {
        strip = new StripView(key, chosen, apps);
        fill(place, strip.el);
      }
      strip.update(chosen, view);
    }
    charts.update(apps);
    if (view.snapshot?.version) showVersion(view.snapshot.version);
  });
}

/** The application of the URL (?app=namespace/name), else the first that has a strip. */
function chosenApplication(apps: Application[]): Application | undefined {
  const wanted = new URLSearchParams(location.search).get("app");
  return apps.find((a) => a.strip && `${a.namespace}/${a.name}` === wanted) ?? apps.find((a) => a.strip);
}

function showSilence(view: View, pill: HTMLElement, banner: HTMLElement): void {
  const away = view.silence > silenceLimit;
  setAttr(pill, "data-state", away ? "away" : view.snapshot ? "live" : "connecting");
  setText(pill, away ? "away" : view.snapshot ? "live" : "connecting");
  banner.hidden = !away;
  if (!away) return;
  const since = view.snapshot ? ` What you see is from ${clock(view.snapshot.time)}, ${age(view.silence)} ago.` : "";
  setText(banner, `Truecount does not answer.${since} This page goes on by itself once it is back.`);
}

function showVersion(version: string): void {
  const foot = document.getElementById("foot")!;
  let el = foot.querySelector(".version");
  if (!el) foot.append((el = h("span", { class: "version" })));
  setText(el, version);
}
