// The buttons that do something: the application's own request, and killing a worker.

import { h, setText } from "../dom";
import { count } from "../format";
import { sendKill, sendTry, type Application } from "../live";

/** "Hit me!", and how many of its requests were answered. */
export class TryButton {
  readonly el: HTMLElement;
  constructor(application: () => Application, sent: () => void) {
    const a = application();
    const state = h("p", { class: "note", role: "status", "data-testid": "try-state" }, a.try?.request ?? "");
    if (!a.try) {
      this.el = h("div", { class: "try" }, h("div", { class: "note" }, "This application declares no request to try."));
      return;
    }
    let answered = 0;
    const button = h("button", { type: "button", class: "hit", "data-testid": "try" }, a.try.label || "Try");
    button.addEventListener("click", () => {
      sent();
      sendTry(application()).then(
        () => {
          answered++;
          state.classList.remove("bad");
          setText(state, `${count(answered)} answered`);
        },
        (err: Error) => {
          state.classList.add("bad");
          setText(state, err.message);
        },
      );
    });
    this.el = h("div", { class: "try" }, button, state);
  }
}

/** "Kill a worker": of pid, or any one. */
export function killButton(application: () => Application, pid = 0, label = "Kill a worker"): HTMLElement {
  const said = h("span", { class: "said", role: "status" });
  const button = h("button", {
    type: "button",
    class: pid ? "kill small" : "kill",
    "data-testid": pid ? "kill-one" : "kill",
    title: "SIGKILL: it cannot say goodbye. Its count stays in the merged one.",
    "aria-label": pid ? `Kill the worker of pid ${pid}` : undefined,
  }, label);
  button.addEventListener("click", () => {
    button.disabled = true;
    sendKill(application(), pid)
      .then(
        (answer) => setText(said, `killed ${answer.pid}`),
        (err: Error) => setText(said, err.message),
      )
      .finally(() => {
        button.disabled = false;
        setTimeout(() => setText(said, ""), 6000);
      });
  });
  return h("span", { class: "kill-place" }, button, said);
}
