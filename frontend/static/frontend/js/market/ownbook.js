// What the accounts one sees hold of an instrument, and today's orders in it.
import { ApiError, get } from "../lib/api.js";
import { boot, byId, toast, tone } from "../lib/dom.js";
import { formatMoney, formatPrice, formatQuantity, formatSigned, formatTime, tickDigits } from "../lib/format.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { valuePosition } from "../desk/valuation.js";

const PAUSE_MS = 200;
const MOST = 50;

export class OwnBook {
  #positions = [];
  #timer = null;
  #turn = 0;

  constructor(quotes, socket, facts) {
    this.quotes = quotes;
    this.symbol = facts.symbol;
    const digits = tickDigits(facts.tick);
    const accounts = new Map(boot.accounts.map((account) => [account.id, account.name]));
    const account = (row) => accounts.get(row.account) ?? String(row.account);
    this.holdings = new KeyedTable(
      byId("holdings"),
      [
        { text: account },
        { className: "num", text: (row) => formatQuantity(row.quantity) },
        { className: "num", text: (row) => formatQuantity(row.sellable) },
        { className: "num", text: (row) => formatPrice(row.worth.cost, Math.max(3, digits)) },
        { className: "num", text: (row) => formatMoney(row.worth.value) },
        { className: "num", text: (row) => formatSigned(row.worth.profit), tone: (row) => tone(row.worth.profit) },
      ],
      { empty: byId("holdings-empty") },
    );
    this.orders = new KeyedTable(
      byId("orders"),
      [
        { className: "tabular", text: (row) => formatTime(row.submitted_at) },
        { text: account },
        { text: (row) => t(`side.${row.side}`), tone: (row) => (row.side === "BUY" ? "up" : "down") },
        { className: "num", text: (row) => (row.price_type === "LIMIT" ? formatPrice(row.price, digits) : t(`price_type.${row.price_type}`)) },
        { className: "num", text: (row) => `${formatQuantity(row.traded_quantity)} / ${formatQuantity(row.quantity)}` },
        { text: (row) => t(`status.${row.status}`) },
        { text: (row) => row.created_by ?? t("source.EXTERNAL") },
      ],
      { empty: byId("orders-empty") },
    );
    quotes.addEventListener("change", ({ detail }) => detail.has(this.symbol) && this.#value());
    // The account's events only say that it is time to look again; both lists are short.
    for (const type of ["snapshot", "delta"]) socket.addEventListener(type, ({ detail }) => detail.channel?.startsWith("account:") && this.#soon());
    for (const { id } of boot.accounts) socket.subscribe(`account:${id}`);
  }

  async refresh() {
    const turn = (this.#turn += 1);
    try {
      const [positions, orders, calendar] = await Promise.all([get(`positions?symbol=${this.symbol}`), get(`orders?symbol=${this.symbol}&limit=${MOST}`), get("calendar?fields=trade_date")]);
      if (turn !== this.#turn) return;
      this.#positions = positions.body.results.filter(({ quantity }) => quantity > 0);
      this.#value();
      const today = orders.body.results.filter(({ trade_date: date }) => date === calendar.body.trade_date);
      this.orders.render(today.map((row) => ({ ...row, key: row.id })));
      for (const table of [this.holdings, this.orders]) table.body.parentElement.hidden = table.body.children.length === 0;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.text, "", { bad: true });
    }
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), PAUSE_MS);
  }

  #value() {
    const quote = this.quotes.get(this.symbol);
    this.holdings.render(this.#positions.map((row) => ({ ...row, key: String(row.account), worth: valuePosition(row, quote) })));
  }
}
