// The chart's controls: period, price basis, and which lines and marks are drawn. What is chosen is kept.
import { byId } from "../lib/dom.js";
import { mountMenu } from "../lib/menu.js";
import { loadSettings, parseMeans, saveSettings } from "./settings.js";

const FLAGS = ["macd", "trades", "levels"];

export class Controls {
  #settings = loadSettings();
  #adjustable = true;

  /** @param {(changed: string) => void} onChange  told the name of what changed */
  constructor(onChange) {
    this.onChange = onChange;
    for (const button of document.querySelectorAll("[data-period]")) button.addEventListener("click", () => this.#set("period", button.dataset.period));
    for (const button of document.querySelectorAll("[data-adjust]")) button.addEventListener("click", () => this.#set("adjust", button.dataset.adjust));
    for (const name of FLAGS) {
      const box = byId(`chart-${name}`);
      box.checked = this.#settings[name];
      box.addEventListener("change", () => this.#set(name, box.checked));
    }
    const means = byId("chart-means");
    means.value = this.#settings.means.join(", ");
    means.addEventListener("change", () => this.#typed(means));
    mountMenu(byId("chart-menu"));
    this.#draw();
  }

  get settings() {
    return this.#settings;
  }

  /** The source has no factors: raw prices are all there is. What the person chose is kept for other instruments. */
  adjustable(can) {
    this.#adjustable = can;
    this.#draw();
  }

  #typed(input) {
    const means = parseMeans(input.value);
    input.setAttribute("aria-invalid", String(means === null));
    if (means === null) return;
    input.value = means.join(", ");
    this.#set("means", means);
  }

  #set(name, value) {
    if (this.#settings[name] === value) return;
    this.#settings = { ...this.#settings, [name]: value };
    saveSettings(this.#settings);
    this.#draw();
    this.onChange(name);
  }

  #draw() {
    const { period, adjust } = this.#settings;
    for (const button of document.querySelectorAll("[data-period]")) button.setAttribute("aria-pressed", String(button.dataset.period === period));
    const shown = this.#adjustable ? adjust : "none";
    for (const button of document.querySelectorAll("[data-adjust]")) {
      button.setAttribute("aria-pressed", String(button.dataset.adjust === shown));
      button.disabled = !this.#adjustable && button.dataset.adjust !== "none";
    }
    byId("chart-unadjustable").hidden = this.#adjustable;
  }
}
