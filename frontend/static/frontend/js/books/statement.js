// One trade date of an account: figures, fees by item, holdings; and the files to take away.
import { ApiError, get } from "../lib/api.js";
import { byId, element, setText, tone } from "../lib/dom.js";
import { drawNamed, digitsOf, nameOf } from "../desk/names.js";
import { NONE, formatMoney, formatPrice, formatQuantity, formatSigned, number } from "../lib/format.js";
import { symbolCell } from "../lib/symbols.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

const FIGURES = ["opening_equity", "equity", "cash", "market_value", "external", "realised", "profit"];
const SIGNED = new Set(["external", "realised", "profit"]);
const EARNED = new Set(["realised", "profit"]); // money paid in is no gain

export class Statement {
  #account = null;
  #dates = byId("statement-date");
  #holdings = new KeyedTable(
    byId("holdings"),
    [
      { className: "card-title", fill: symbolCell },
      { className: "num", text: (row) => formatQuantity(row.quantity) },
      { className: "num", text: (row) => formatPrice(row.price, digitsOf(row.symbol)) },
      { className: "num", text: (row) => formatMoney(row.market_value) },
      { className: "num", text: (row) => formatPrice(row.average_cost, 4) },
      { className: "num", text: (row) => formatPrice(row.broker_cost, 4) },
      { className: "num", text: (row) => formatSigned(number(row.unrealised)), tone: (row) => tone(number(row.unrealised)) },
      { className: "num", text: (row) => (row.holding_days === null ? NONE : t("statement.days", { days: row.holding_days })) },
    ],
    { empty: byId("holdings-empty") },
  );

  constructor() {
    this.#dates.addEventListener("change", () => this.refresh());
  }

  /** Another account: its trade dates, then the newest one's statement. */
  async show(account) {
    this.#account = account;
    this.#holdings.wait();
    try {
      const { body } = await get(`accounts/${account.id}/trade-dates`);
      if (account.id !== this.#account.id) return; // another was chosen meanwhile
      this.#dates.replaceChildren(...body.results.map(({ date }) => element("option", { value: date, textContent: date })));
      if (!body.results.length) this.#holdings.render([]);
      await this.refresh();
    } catch (error) {
      this.#failed(error, () => this.show(account));
    }
  }

  async refresh() {
    const { id } = this.#account;
    const date = this.#dates.value;
    if (!date) return;
    byId("statement-xlsx").href = `/api/v1/accounts/${id}/statement.xlsx?date=${date}`;
    for (const form of ["csv", "xlsx"]) byId(`ledger-${form}`).href = `/api/v1/accounts/${id}/ledger.${form}?from=${date}&to=${date}`;
    try {
      const { body } = await get(`accounts/${id}/statement?date=${date}`);
      if (id !== this.#account.id || date !== this.#dates.value) return;
      this.#draw(body);
    } catch (error) {
      this.#failed(error, () => this.refresh());
    }
  }

  #failed(error, retry) {
    if (!(error instanceof ApiError)) throw error;
    setText(byId("statement-state"), "");
    this.#holdings.fail(error, retry);
  }

  #draw(statement) {
    setText(byId("statement-state"), t(statement.closed ? "statement.closed" : "statement.open", { date: statement.date }));
    const money = [...Object.entries(statement.income), ...Object.entries(statement.fees)];
    byId("statement").replaceChildren(
      ...FIGURES.map((name) => figure(name, t(`statement.${name}`), statement[name], SIGNED.has(name))),
      ...money.map(([kind, amount]) => figure(kind, t(`entry.${kind}`), amount, false)),
    );
    const { id } = this.#account;
    drawNamed(
      this.#holdings,
      statement.positions.map(({ symbol }) => symbol),
      () => id === this.#account.id && statement.date === this.#dates.value && this.#holdings.render(statement.positions.map((position) => ({ ...position, name: nameOf(position.symbol), key: position.symbol }))),
    );
  }
}

function figure(name, label, value, signed) {
  const text = value === null ? NONE : signed ? formatSigned(number(value)) : formatMoney(value);
  return element("div", {}, element("dt", { textContent: label }), element("dd", { className: EARNED.has(name) ? tone(number(value)) : "", dataset: { figure: name }, textContent: text }));
}
