// At which prices each position is left, as things stand.
import { ApiError, explain, get } from "../lib/api.js";
import { digitsOf, drawNamed, nameOf } from "../desk/names.js";
import { byId, element } from "../lib/dom.js";
import { formatPrice } from "../lib/format.js";
import { symbolCell } from "../lib/symbols.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { levelLine } from "./levels.js";

const EVERY_MS = 15_000; // the engine notes new tops at least as often

export class Triggers {
  #account = null;
  #table = new KeyedTable(
    byId("triggers"),
    [
      { className: "card-title", fill: symbolCell },
      { className: "num", text: ({ cost }) => formatPrice(cost, 3) },
      { className: "num", text: ({ hi }) => formatPrice(hi, 3) },
      { className: "card-wide", fill: (cell, { levels, symbol }) => cell.replaceChildren(levelLine(levels.map(({ kind, price, state }) => ({ name: t(`trigger.${kind}`), price, state, note: state === "waiting" ? "" : t(`trigger_state.${state}`) })), digitsOf(symbol))) },
      { className: "wrap", fill: (cell, row) => cell.replaceChildren(...this.#state(row)) },
    ],
    { empty: byId("triggers-empty") },
  );

  constructor() {
    setInterval(() => this.#account && !document.hidden && this.refresh(), EVERY_MS);
  }

  show(account) {
    this.#account = account;
    this.#table.wait();
    this.refresh();
  }

  async refresh() {
    const account = this.#account;
    try {
      const { body } = await get(`exit-plans/triggers?account=${account.id}`);
      if (account !== this.#account) return;
      drawNamed(
        this.#table,
        body.results.map(({ symbol }) => symbol),
        () => account === this.#account && this.#table.render(body.results.map((row) => ({ ...row, name: nameOf(row.symbol), key: row.symbol }))),
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (account === this.#account) this.#table.fail(error, () => this.refresh());
    }
  }

  #state({ enabled, paused, followed }) {
    const words = [];
    if (!enabled) words.push(element("span", { className: "badge", textContent: t("plans.off") }));
    if (paused) words.push(element("span", { className: "badge badge-warn", textContent: t("triggers.paused", { reason: explain(paused) || paused }) }));
    else if (enabled && !followed) words.push(element("span", { className: "muted", textContent: t("triggers.not_followed") }));
    return words;
  }
}
