// The strip: Hit me! → a bar per worker → merged → per second → replicas. Below it the two lines, the autoscaler's words
// and the processes.

import { h, setAttr, setText, webURL } from "../dom";
import { ago, count, short } from "../format";
import { isStale, type Application, type Reading, type Scale, type View } from "../live";
import { killButton, TryButton } from "./actions";
import { TwoLines } from "./lines";
import { Processes } from "./processes";
import { ScaleCard } from "./scale";
import { WorkerBars } from "./workers";

export class StripView {
  readonly el: HTMLElement;
  private application: Application;
  private readonly tryButton: TryButton;
  private readonly bars = new WorkerBars();
  private readonly clicks: Station;
  private readonly workers: Station;
  private readonly merged = new NumberStation("3", "merge", "merged", "One true count: all workers, also those that have ended.");
  private readonly perSecond = new NumberStation("4", "rate", "per-second", "How fast the true count rises, averaged over the rate window.");
  private readonly scale = new ScaleStation();
  private readonly arrows = [arrow(), arrow(), arrow(), arrow()];
  private readonly lines: TwoLines;
  private readonly scaleCard = new ScaleCard();
  private readonly processes: Processes;
  private lastMerged: number | undefined;

  constructor(
    readonly key: string,
    application: Application,
    all: Application[],
  ) {
    this.application = application;
    const current = () => this.application;
    const s = application.strip!;
    this.tryButton = new TryButton(current, () => pulse(this.arrows[0]!));
    this.clicks = new Station("1", "click", application.try ? "Sends one request. Whichever worker is free answers it, and counts." : "Requests reach whichever worker is free; it counts them.", this.tryButton.el);
    this.workers = new Station("2", "count", "A bar per process. Each knows only what it counted itself.", this.bars.el);
    this.workers.el.classList.add("station-workers");
    if (application.canKill) this.workers.foot.append(killButton(current));
    this.lines = new TwoLines(s);
    this.processes = new Processes(current);
    if (s.perSecondQuery) this.perSecond.link(`query?g0.expr=${encodeURIComponent(s.perSecondQuery)}&g0.tab=0&g0.range_input=15m`);
    if (s.mergedQuery) this.merged.link(`query?g0.expr=${encodeURIComponent(s.mergedQuery)}&g0.tab=0&g0.range_input=15m`);

    const stations = [this.clicks.el, this.workers.el, this.merged.el, this.perSecond.el, ...(s.scale ? [this.scale.el] : [])];
    const chain = h("div", { class: "chain" });
    stations.forEach((station, i) => chain.append(...(i > 0 ? [this.arrows[i - 1]!, station] : [station])));
    this.el = h(
      "div",
      { class: "strip", "data-testid": "strip" },
      h("section", { class: "card hero", "aria-label": `The chain of ${s.metric}` }, title(application, all), chain),
      h("div", { class: "beside" }, this.lines.el, this.scaleCard.el),
      this.processes.el,
    );
  }

  update(application: Application, view: View): void {
    this.application = application;
    const s = application.strip!;
    const later = view.silence;
    this.bars.update(application.replicas ?? [], later);
    const ages = (application.replicas ?? []).flatMap((r) => (r.workers ?? []).map((w) => w.ageSeconds));
    this.workers.age(ages.length ? Math.min(...ages) + later : undefined, s.merged.everySeconds);
    this.merged.show(s.merged, later, count(s.merged.value));
    this.merged.note(keptNote(application));
    this.perSecond.show(s.perSecond, later, short(s.perSecond.value), "/s");
    if (s.scale) this.scale.show(s.scale, later);
    this.scaleCard.update(application);
    this.lines.update(application, view);
    this.processes.update(application, later);

    const merged = s.merged.value ?? undefined;
    if (merged !== undefined && this.lastMerged !== undefined && merged > this.lastMerged) {
      this.arrows.slice(1).forEach((a, i) => pulse(a, i * 180));
    }
    this.lastMerged = merged ?? this.lastMerged;
  }
}

/** Bars are of the living. What the merged count has beyond them was counted by processes that have ended. */
function keptNote(a: Application): string {
  const merged = a.strip!.merged.value;
  if (merged === null || merged === undefined) return "";
  let living = 0;
  for (const r of a.replicas ?? []) for (const w of r.workers ?? []) living += w.value ?? 0;
  const kept = merged - living;
  return kept > 0.5 ? `${count(living)} by living workers + ${count(kept)} kept from ended ones` : "";
}

function title(a: Application, all: Application[]): HTMLElement {
  const strips = all.filter((x) => x.strip);
  const link = webURL(a.url);
  const tabs = strips.map((x) =>
    h(
      "a",
      { class: "tab", href: `?app=${encodeURIComponent(`${x.namespace}/${x.name}`)}`, "aria-current": x.name === a.name && x.namespace === a.namespace ? "true" : undefined },
      x.name,
    ),
  );
  return h(
    "div",
    { class: "hero-title" },
    strips.length > 1 ? h("nav", { class: "tabs", "aria-label": "Applications" }, ...tabs) : h("h2", {}, a.name),
    h("code", { class: "metric", title: a.strip!.help }, a.strip!.metric),
    a.strip!.help && h("span", { class: "muted hero-help" }, a.strip!.help),
    link && h("a", { class: "open-link", href: link, target: "_blank", rel: "noopener" }, `open ${a.name} ↗`),
  );
}

/** One step of the chain: what it is, its content, one line that explains it, and the age of its value. */
class Station {
  readonly el: HTMLElement;
  readonly foot = h("div", { class: "station-foot" });
  private readonly explain: HTMLElement;
  private readonly ageText = h("span", { class: "age", "data-testid": "age" }, " ");
  constructor(
    number: string,
    name: string,
    private readonly explanation: string,
    content: HTMLElement,
  ) {
    this.foot.append(this.ageText);
    this.explain = h("p", { class: "explain" }, explanation);
    this.el = h(
      "section",
      { class: "station", "aria-label": name },
      h("h3", { class: "station-name" }, h("span", { class: "station-number" }, number), name),
      h("div", { class: "station-content" }, content),
      this.explain,
      this.foot,
    );
  }

  /** Shows the value's age, and instead of the explanation what is wrong with it. */
  age(seconds: number | undefined, every?: number, error?: string): void {
    const stale = seconds === undefined || isStale(seconds, every) || !!error;
    this.el.classList.toggle("stale", stale);
    setText(this.ageText, seconds === undefined ? "no value yet" : ago(seconds));
    setText(this.explain, error || this.explanation);
    this.explain.classList.toggle("bad", !!error);
  }
}

class NumberStation extends Station {
  private readonly number: HTMLElement;
  private readonly unit: HTMLElement;
  private readonly extra: HTMLElement;
  private readonly big: HTMLElement;
  constructor(number: string, name: string, testid: string, explanation: string) {
    const value = h("span", { class: "big-value" }, "–");
    const unit = h("span", { class: "big-unit" });
    const big = h("div", { class: "big", "data-testid": testid }, value, unit);
    const extra = h("div", { class: "note" });
    super(number, name, explanation, h("div", {}, big, extra));
    [this.number, this.unit, this.big, this.extra] = [value, unit, big, extra];
  }

  show(r: Reading, later: number, text: string, unit = ""): void {
    if (this.number.textContent !== text && this.number.textContent !== "–") bump(this.number);
    setText(this.number, text);
    setText(this.unit, unit);
    setAttr(this.big, "data-value", r.value === null || r.value === undefined ? "" : String(r.value));
    setAttr(this.big, "data-length", text.length + unit.length > 8 ? "long" : text.length > 4 ? "medium" : "short");
    this.age(r.value === null || r.value === undefined ? undefined : r.ageSeconds + later, r.everySeconds, r.error);
  }

  note(text: string): void {
    setText(this.extra, text);
  }

  link(href: string): void {
    this.foot.append(h("a", { class: "foot-link", href }, "query"));
  }
}

class ScaleStation extends Station {
  private readonly wanted: HTMLElement;
  private readonly running: HTMLElement;
  private readonly dots: HTMLElement;
  constructor() {
    const wanted = h("b", { "data-testid": "replicas-wanted" }, "–");
    const running = h("b", { "data-testid": "replicas-running" }, "–");
    const dots = h("div", { class: "dots", "aria-hidden": "true" });
    super(
      "5",
      "scale",
      "The autoscaler's own formula, as on Kubernetes: replicas follow the rate.",
      h("div", {}, h("div", { class: "pair" }, h("div", {}, wanted, h("span", {}, "wanted")), h("div", {}, running, h("span", {}, "running"))), dots),
    );
    [this.wanted, this.running, this.dots] = [wanted, running, dots];
  }

  show(s: Scale, later: number): void {
    for (const [el, n] of [[this.wanted, s.wanted], [this.running, s.running]] as const) {
      if (el.textContent !== String(n) && el.textContent !== "–") bump(el);
      setText(el, String(n));
      setAttr(el, "data-value", String(n));
    }
    setAttr(this.dots, "title", `${s.min} to ${s.max} replicas; ${s.ready} ready`);
    const total = Math.min(50, Math.max(s.max, s.wanted, s.running));
    while (this.dots.childElementCount < total) this.dots.append(h("i"));
    while (this.dots.childElementCount > total) this.dots.lastElementChild!.remove();
    [...this.dots.children].forEach((d, i) => {
      d.className = i < s.ready ? "ready" : i < s.running ? "running" : "";
      d.classList.toggle("wanted", i < s.wanted);
    });
    this.age(s.ageSeconds + later, s.everySeconds, s.error);
  }
}

function arrow(): HTMLElement {
  return h("div", { class: "arrow", "aria-hidden": "true" }, h("i", { class: "dot" }));
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Lets a dot run along an arrow. */
function pulse(el: HTMLElement, delay = 0): void {
  if (still.matches) return;
  const dot = el.firstElementChild as HTMLElement;
  const [x, y] = el.clientWidth >= el.clientHeight ? [el.clientWidth, 0] : [0, el.clientHeight];
  dot.animate(
    [
      { transform: "translate(0, 0) scale(0.4)", opacity: 0 },
      { opacity: 1, offset: 0.25 },
      { transform: `translate(${x}px, ${y}px) scale(1)`, opacity: 1, offset: 0.85 },
      { transform: `translate(${x}px, ${y}px) scale(0.4)`, opacity: 0 },
    ],
    { duration: 520, delay, easing: "ease-in-out" },
  );
}

function bump(el: HTMLElement): void {
  if (!still.matches) el.animate([{ transform: "scale(1.12)" }, { transform: "scale(1)" }], { duration: 260, easing: "ease-out" });
}

