// A bar per worker, grouped by replica.

import { h, Keyed, setAttr, setText } from "../dom";
import { ago, compact, count } from "../format";
import type { Replica, Worker } from "../live";

interface Shown extends Worker {
  replica: string;
  /** The bar's length, 0 to 1. */
  length: number;
  age: number;
}

export class WorkerBars {
  readonly el = h("div", { class: "groups" });
  private highest = 0;
  private readonly groups = new Keyed<Replica & { later: number; highest: number }, ReplicaGroup>(this.el, () => new ReplicaGroup());

  update(replicas: Replica[], later: number): void {
    this.highest = Math.max(0, ...replicas.flatMap((r) => (r.workers ?? []).map((w) => w.value ?? 0)));
    // One row of high bars takes the height of two rows of low ones: the page does not jump when it scales.
    setAttr(this.el, "data-density", replicas.length > 4 ? "high" : "low");
    this.groups.update(
      replicas.map((r) => ({ ...r, later, highest: this.highest })),
      (r) => r.name,
    );
  }
}

class ReplicaGroup {
  private readonly bars = h("div", { class: "bars" });
  private readonly name = h("span", { class: "group-name" });
  readonly el = h("div", { class: "group" }, this.bars, this.name);
  private readonly workers = new Keyed<Shown, WorkerBar>(this.bars, () => new WorkerBar());

  update(r: Replica & { later: number; highest: number }): void {
    setText(this.name, r.name);
    setAttr(this.el, "data-ready", r.ready ? "yes" : "no");
    setAttr(this.el, "title", `${r.name}: ${r.state}`);
    this.workers.update(
      (r.workers ?? []).map((w) => ({ ...w, replica: r.name, length: r.highest > 0 ? (w.value ?? 0) / r.highest : 0, age: w.ageSeconds + r.later })),
      (w) => w.id,
    );
  }
}

class WorkerBar {
  private readonly value = h("span", { class: "bar-value" });
  private readonly level = h("i", { class: "level" });
  readonly el = h("div", { class: "worker", role: "img", "data-testid": "worker-bar" }, this.value, h("div", { class: "track" }, this.level));
  private last: number | undefined;

  update(w: Shown): void {
    const value = w.value ?? undefined;
    setText(this.value, compact(value));
    this.level.style.transform = `scaleY(${w.length.toFixed(4)})`;
    setAttr(this.el, "data-value", value === undefined ? "" : String(value));
    setAttr(this.el, "data-pid", String(w.pid));
    setAttr(this.el, "data-state", w.up ? w.state : "down");
    const text = `worker ${w.index} of ${w.replica}, pid ${w.pid}, ${w.up ? w.state : "down"}: ${count(w.value)}`;
    setAttr(this.el, "aria-label", text);
    setAttr(this.el, "title", `${text}, read ${ago(w.age)}${w.error ? `. ${w.error}` : ""}`);
    if (value !== undefined && this.last !== undefined && value > this.last) this.flash();
    this.last = value ?? this.last;
  }

  /** A worker that ended is seen to go. */
  leave(): void {
    this.el.setAttribute("data-leaving", "");
    this.el.removeAttribute("data-testid");
    setTimeout(() => this.el.remove(), 900);
  }

  private flash(): void {
    this.level.animate([{ filter: "brightness(1.7)" }, { filter: "brightness(1)" }], { duration: 500, easing: "ease-out" });
  }
}
