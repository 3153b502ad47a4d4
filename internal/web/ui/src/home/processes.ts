// The processes behind the bars, as a table.

import { h, Keyed, setAttr, setText } from "../dom";
import { ago, count } from "../format";
import { isStale, type Application, type Worker } from "../live";
import { killButton } from "./actions";

interface Row extends Worker {
  replica: string;
  age: number;
  every: number | undefined;
}

export class Processes {
  private readonly body = h("tbody");
  private readonly summary = h("span", { class: "muted" });
  readonly el: HTMLElement;
  private readonly rows: Keyed<Row, ProcessRow>;

  constructor(application: () => Application) {
    this.rows = new Keyed(this.body, (row) => new ProcessRow(row, application));
    const heads = ["replica", "worker", "pid", "state", "count", "read", ""].map((t) => h("th", { scope: "col" }, t));
    this.el = h(
      "details",
      { class: "card processes", open: true },
      h("summary", {}, h("h3", {}, "Processes"), this.summary),
      h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ...heads)), this.body)),
    );
  }

  update(a: Application, later: number): void {
    const replicas = a.replicas ?? [];
    const rows = replicas.flatMap((r) =>
      (r.workers ?? []).map((w) => ({ ...w, replica: r.name, age: w.ageSeconds + later, every: a.strip?.merged.everySeconds })),
    );
    this.rows.update(rows, (r) => r.id);
    setText(this.summary, `${replicas.length} ${replicas.length === 1 ? "replica" : "replicas"}, ${rows.length} workers`);
  }
}

class ProcessRow {
  readonly el: HTMLElement;
  private readonly cells = Array.from({ length: 6 }, () => h("td"));
  private readonly state = h("span", { class: "state" });

  constructor(row: Row, application: () => Application) {
    this.cells[3]!.append(this.state);
    const last = h("td", {}, application().canKill && row.pid > 0 && killButton(application, row.pid, "kill"));
    this.el = h("tr", { "data-testid": "process" }, ...this.cells, last);
  }

  update(r: Row): void {
    const [replica, index, pid, , value, read] = this.cells as HTMLElement[] as [HTMLElement, HTMLElement, HTMLElement, HTMLElement, HTMLElement, HTMLElement];
    setText(replica, r.replica);
    setText(index, String(r.index));
    setText(pid, String(r.pid));
    setText(this.state, r.up ? r.state : r.error ? `down: ${r.error}` : "down");
    setAttr(this.state, "data-state", r.up ? r.state : "down");
    setAttr(this.state, "title", r.error ?? null);
    setText(value, count(r.value));
    setText(read, ago(r.age));
    setAttr(this.el, "class", isStale(r.age, r.every) ? "stale" : null);
  }
}
