// Who and what earned it, fees by item.
import { ApiError, get } from "../lib/api.js";
import { byId, tone } from "../lib/dom.js";
import { formatMoney, formatSigned, number } from "../lib/format.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

const signed = (name) => ({ className: "num", text: (row) => formatSigned(number(row[name])), tone: (row) => tone(number(row[name])) });
const fee = (kind) => ({ className: "num", text: (row) => formatMoney(row.fees[kind]) });
const money = (name) => ({ className: "num", text: (row) => formatMoney(row[name]) });

export class ProfitTable {
  #account = null;
  #by = "user";
  #buttons = document.querySelectorAll("[data-by]");
  #table = new KeyedTable(
    byId("profit"),
    [{ className: "card-title", text: (row) => row.name || t(this.#by === "strategy" ? "profit.no_strategy" : "profit.nobody") }, signed("total"), signed("realised"), signed("unrealised"), money("dividends"), fee("COMMISSION"), fee("STAMP_DUTY"), fee("TRANSFER_FEE"), money("bought"), money("sold")],
    { empty: byId("profit-empty") },
  );

  constructor() {
    for (const button of this.#buttons) button.addEventListener("click", () => this.#choose(button));
  }

  show(account) {
    this.#account = account;
    this.#table.wait();
    return this.refresh();
  }

  async refresh() {
    const { id } = this.#account;
    const by = this.#by;
    try {
      const { body } = await get(`accounts/${id}/profit?by=${by}`);
      if (id !== this.#account.id || by !== this.#by) return; // something else was chosen meanwhile
      this.#table.render(body.results.map((line) => ({ ...line, key: `${by}.${line.key}` })));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (id === this.#account.id) this.#table.fail(error, () => this.refresh());
    }
  }

  #choose(button) {
    this.#by = button.dataset.by;
    for (const one of this.#buttons) one.setAttribute("aria-pressed", String(one === button));
    this.refresh();
  }
}
