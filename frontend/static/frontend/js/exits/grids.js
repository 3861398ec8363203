// Grids: start one from a template, see its levels first; pause, resume and stop those that run.
import { digitsOf, drawNamed, nameOf } from "../desk/names.js";
import { ApiError, get, post } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatMoney, formatPrice, formatQuantity, formatSigned, formatStamp, number } from "../lib/format.js";
import { attempt } from "../lib/refusal.js";
import { Pages } from "../lib/rows.js";
import { symbolCell } from "../lib/symbols.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { levelLine } from "./levels.js";

const EVERY_MS = 5_000;
const LEVELS = ["sell_above", "center", "buy_below", "turn", "target", "stop"];
const ACTS = { ACTIVE: ["pause", "stop"], PAUSED: ["resume", "stop"], STOPPING: [], STOPPED: [] };
const actText = (act) => t(act === "stop" ? "grid.stop_act" : `grid.${act}`);

const levelsOf = ({ levels }) => LEVELS.filter((name) => levels[name] !== null).map((name) => ({ name: t(`grid.level.${name}`), price: levels[name], state: name === "turn" ? "armed" : "" }));

export class Grids {
  #account = null;
  #form = byId("grid-form");
  #rows = new Map();
  #pages = new Pages(byId("grids-more"), (results, first) => this.#take(results, first), (error) => this.#table.fail(error, () => this.refresh()));
  #table = new KeyedTable(
    byId("grids"),
    [
      { className: "card-title", fill: symbolCell },
      { className: "wrap", fill: (cell, grid) => this.#state(cell, grid) },
      { className: "card-wide", fill: (cell, grid) => cell.replaceChildren(levelLine(levelsOf(grid))) },
      { className: "num", text: ({ figures, symbol }) => formatPrice(figures.last_price, digitsOf(symbol)) },
      { text: ({ figures }) => t("grid.fills", { bought: formatQuantity(figures.bought_quantity), sold: formatQuantity(figures.sold_quantity) }) },
      { className: "num", text: ({ figures }) => formatSigned(number(figures.profit)), tone: ({ figures }) => (number(figures.profit) > 0 ? "up" : number(figures.profit) < 0 ? "down" : "") },
      { className: "tabular", text: ({ expires_at: until, final_at: ended }) => formatStamp(ended ?? until) },
      { className: "card-acts", fill: (cell, grid) => this.#acts(cell, grid) },
    ],
    { empty: byId("grids-empty") },
  );

  constructor() {
    const { template } = this.#form.elements;
    for (const name of Object.keys(boot.grid_ranges)) {
      const [least, most] = boot.grid_ranges[name];
      setText(this.#form.querySelector(`[data-term="${name}"]`), t(`grid.${name}`));
      this.#form.elements[name].title = t("range.between", { least, most });
    }
    for (const option of template.options) setText(option, t(`grid.template.${option.value}`));
    template.addEventListener("change", () => this.#fill());
    this.#fill();
    byId("grid-preview").addEventListener("click", () => this.#preview());
    this.#form.addEventListener("submit", (event) => this.#start(event));
    setInterval(() => this.#account && !document.hidden && this.refresh(), EVERY_MS);
  }

  show(account) {
    this.#account = account;
    for (const id of ["grid-preview", "grid-start"]) byId(id).disabled = !account.can_trade;
    byId("grid-result").replaceChildren();
    this.#table.wait();
    this.refresh();
  }

  refresh() {
    return this.#pages.load("grids", new URLSearchParams({ account: this.#account.id, limit: "20" }));
  }

  #take(results, first) {
    if (first) this.#rows.clear();
    for (const grid of results) this.#rows.set(grid.id, grid);
    const grids = [...this.#rows.values()];
    const account = this.#account;
    drawNamed(
      this.#table,
      grids.map(({ symbol }) => symbol),
      () => account === this.#account && this.#table.render(grids.map((grid) => ({ ...grid, name: nameOf(grid.symbol), key: String(grid.id) }))),
    );
  }

  /** The template's numbers; what is changed afterwards goes along with the request. */
  #fill() {
    const terms = boot.grid_templates[this.#form.elements.template.value];
    for (const name of Object.keys(boot.grid_ranges)) this.#form.elements[name].value = terms[name];
  }

  #wish() {
    const { symbol, template, center, max_investment: most } = this.#form.elements;
    const wish = { account: this.#account.id, symbol: symbol.value.trim(), template: template.value };
    for (const name of Object.keys(boot.grid_ranges)) wish[name] = this.#form.elements[name].value.trim();
    if (center.value.trim()) wish.center = center.value.trim();
    if (most.value.trim()) wish.max_investment = most.value.trim();
    return wish;
  }

  async #preview() {
    byId("grid-result").replaceChildren();
    await attempt(byId("grid-preview"), byId("grid-error"), async () => {
      const { body } = await post("grids/preview", this.#wish());
      const line = element("p", { textContent: t("grid.preview", { amount: formatMoney(body.max_investment), date: formatStamp(body.expires_at) }) });
      byId("grid-result").replaceChildren(line, levelLine(levelsOf(body)));
    });
  }

  async #start(event) {
    event.preventDefault();
    const done = await attempt(byId("grid-start"), byId("grid-error"), () => post("grids", this.#wish()));
    if (!done) return;
    toast(t("grid.started"));
    byId("grid-result").replaceChildren();
    this.refresh();
  }

  #state(cell, { state, end, levels }) {
    cell.dataset.grid = state;
    setText(cell, [t(`grid_state.${state}`), end && t(`grid_end.${end}`), state === "ACTIVE" && t(`grid_direction.${levels.direction}`)].filter(Boolean).join(" · "));
  }

  #acts(cell, grid) {
    const wanted = this.#account.can_trade ? ACTS[grid.state] : [];
    if (cell.dataset.acts === wanted.join()) return; // the same buttons stay: no lost focus
    cell.dataset.acts = wanted.join();
    const buttons = wanted.map((act) => {
      const button = element("button", { type: "button", className: "button button-small", dataset: { act }, textContent: actText(act), "aria-label": t("grid.act_of", { act: actText(act), symbol: grid.symbol }) });
      button.addEventListener("click", () => this.#act(button, act, grid));
      return button;
    });
    cell.replaceChildren(element("div", { className: "acts" }, ...buttons));
  }

  async #act(button, act, grid) {
    if (act === "stop" && !confirm(t("grid.stop_question", { symbol: grid.symbol }))) return;
    button.disabled = true;
    try {
      await post(`grids/${grid.id}/${act}`, {});
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.text, "", { bad: true });
    }
    button.disabled = false;
    this.refresh();
  }
}
