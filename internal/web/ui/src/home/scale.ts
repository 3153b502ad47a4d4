// The autoscaler's last words, and the settings that say how fast things move on this machine.

import { fill, h, setAttr, setText } from "../dom";
import { quantity } from "../format";
import type { Application, Setting } from "../live";

export class ScaleCard {
  private readonly reason = h("p", { class: "reason", "data-testid": "reason" });
  private readonly level = h("i", { class: "meter-level" });
  private readonly meterText = h("div", { class: "meter-text" });
  private readonly meter = h("div", { class: "meter" }, this.level, h("i", { class: "meter-target" }));
  private readonly scaling = h(
    "div",
    {},
    h("h3", {}, "Why that many replicas"),
    this.reason,
    this.meter,
    this.meterText,
  );
  private readonly settings = h("dl", { class: "settings", "data-testid": "settings" });
  private settingsText = "";
  readonly el = h(
    "section",
    { class: "card scale-card", "aria-label": "The autoscaler and the settings" },
    this.scaling,
    h("h3", {}, "Settings of this machine"),
    h("p", { class: "explain" }, "Shorter than usual, so that you see it move."),
    this.settings,
  );

  update(a: Application): void {
    this.showSettings(a.settings ?? []);
    const s = a.strip!.scale;
    this.scaling.hidden = !s;
    if (!s) return;
    setText(this.reason, s.error || s.reason || "no decision yet");
    this.reason.classList.toggle("bad", !!s.error);
    // The target stands at the middle, so that twice the target fills the meter.
    const share = s.value !== null && s.value !== undefined && s.target ? Math.min(1, s.value / s.target / 2) : 0;
    this.level.style.transform = `scaleX(${share.toFixed(4)})`;
    setAttr(this.meter, "data-over", share > 0.5 ? "yes" : "no");
    setText(this.meterText, `${quantity(s.value)} of ${quantity(s.target)} per replica${s.metric ? ` · ${s.metric}` : ""}`);
  }

  private showSettings(settings: Setting[]): void {
    const text = JSON.stringify(settings);
    if (text === this.settingsText) return;
    this.settingsText = text;
    const rows = settings.map((s) => h("div", {}, h("dt", {}, s.name), h("dd", {}, h("b", {}, s.value), s.usual && h("span", { class: "muted" }, ` usually ${s.usual}`))));
    fill(this.settings, ...rows);
  }
}
