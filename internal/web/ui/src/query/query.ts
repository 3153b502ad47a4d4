// The query page: expressions, each with a table or a graph; all of it in the URL.

import "../styles/query.css";
import { fill, h } from "../dom";
import { QueryPanel } from "./panel";
import { decode, encode, fresh, type PanelState } from "./state";

export function show(main: HTMLElement): void {
  const list = h("div", { class: "query-list" });
  const add = h("button", { type: "button", class: "plain add", "data-testid": "add-expression" }, "+ Add another expression");
  fill(main, h("h1", {}, "Query"), list, add);

  let states: PanelState[] = [];
  let panels: QueryPanel[] = [];
  let ready = false;

  const save = () => {
    const search = encode(states);
    if (ready && search !== location.search) history.pushState(null, "", search);
  };
  const put = (state: PanelState): QueryPanel => {
    const panel = new QueryPanel(state, save, () => {
      const n = panels.indexOf(panel);
      panel.destroy();
      panels.splice(n, 1);
      states.splice(n, 1);
      if (panels.length === 0) put(fresh());
      save();
    });
    states.push(state);
    panels.push(panel);
    list.append(panel.el);
    return panel;
  };
  const load = () => {
    ready = false;
    for (const p of panels) p.destroy();
    [states, panels] = [[], []];
    for (const state of decode(location.search)) put(state);
    ready = true;
  };
  add.addEventListener("click", () => put(fresh()).focus());
  addEventListener("popstate", load);
  load();
  if (states.length === 1 && !states[0]!.expr) panels[0]!.focus();
}
