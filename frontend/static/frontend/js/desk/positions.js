// The table of positions: of the account shown or of all, values follow the prices, the order of rows only what the person chose.
import { boot, byId, element, setText, setTone, tone } from "../lib/dom.js";
import { mountCopy } from "../lib/copytable.js";
import { formatMoney, formatPercent, formatPrice, formatQuantity, formatSigned } from "../lib/format.js";
import { mountMenu } from "../lib/menu.js";
import { rememberObject, rememberedObject } from "../lib/remember.js";
import { instrumentAddress } from "../lib/symbols.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { knownInstrument } from "./instruments.js";
import { digitsOf, drawNamed, nameOf } from "./names.js";
import { valuePosition } from "./valuation.js";

const KEY = "desk.positions";
const MOST_FLASHING = 40; // where everything moves at once a flash says nothing, and costs a frame

/** Name over code: the name opens the instrument in the desk, the code its page. */
export function instrumentCell(cell, row, onOpen) {
  if (!cell.firstElementChild) {
    const name = element("button", { type: "button", className: "row-link" });
    name.addEventListener("click", () => onOpen(row.symbol));
    cell.append(element("span", { className: "symbol-cell" }, name, element("a", { className: "sub sub-link", href: instrumentAddress(row.symbol), textContent: row.symbol })));
  }
  setText(cell.firstElementChild.firstElementChild, row.name || row.symbol);
}

const accountNames = new Map((boot.accounts ?? []).map(({ id, name }) => [id, name]));
const digits = (row) => digitsOf(row.symbol);
const column = (name, column) => ({ ...column, className: `${column.className ?? ""} col-${name}` });

/** A row of figures: a position at its newest price. */
function rowOf({ account, position }, quotes) {
  const worth = valuePosition(position, quotes.get(position.symbol));
  return {
    key: `${account} ${position.symbol}`,
    account: accountNames.get(account) ?? String(account),
    symbol: position.symbol,
    name: position.name ?? nameOf(position.symbol),
    account_id: account,
    quantity: position.quantity,
    sellable: position.sellable,
    cost: worth.cost,
    last: worth.last,
    change: worth.dayRatio,
    value: worth.value,
    profit: worth.profit,
    profit_ratio: worth.profitRatio,
  };
}

class PositionTable {
  #sort;
  #hidden;
  #needle;
  #shown = []; // {account, position} of the rows

  /** @param {{onOpen: Function, onSell: (row: object) => void, maySell: (row: object) => boolean}} acts */
  constructor(holdings, quotes, { onOpen, onSell, maySell }) {
    this.holdings = holdings;
    this.quotes = quotes;
    this.table = byId("positions");
    const kept = rememberedObject(KEY);
    this.#hidden = new Set(Array.isArray(kept.hidden) ? kept.hidden : []);
    this.#sort = { key: "symbol", direction: 1, ...(this.#header(kept.sort?.key) ? { key: kept.sort.key, direction: kept.sort.direction === -1 ? -1 : 1 } : {}) };
    this.#needle = typeof kept.needle === "string" ? kept.needle : "";
    this.view = new KeyedTable(
      this.table,
      [
        { className: "card-title", fill: (cell, row) => instrumentCell(cell, row, onOpen) },
        column("account", { text: (row) => row.account }),
        column("quantity", { className: "num", text: (row) => formatQuantity(row.quantity) }),
        column("sellable", { className: "num", fill: sellCell(onSell, maySell) }),
        column("cost", { className: "num", text: (row) => formatPrice(row.cost, Math.max(3, digits(row))) }),
        column("last", { className: "num price-cell", text: (row) => formatPrice(row.last, digits(row)), tone: (row) => tone(row.change), flashOn: (row) => row.last }),
        column("change", { className: "num price-cell", text: (row) => formatPercent(row.change), tone: (row) => tone(row.change) }),
        column("value", { className: "num", text: (row) => formatMoney(row.value) }),
        column("profit", { className: "num", text: (row) => formatSigned(row.profit), tone: (row) => tone(row.profit) }),
        column("profit_ratio", { className: "num", text: (row) => formatPercent(row.profit_ratio), tone: (row) => tone(row.profit_ratio) }),
      ],
      { empty: byId("positions-empty") },
    );
    mountCopy(byId("positions-copy"), () => this.table);
    this.#mountSort();
    this.#mountColumns();
    this.#mountFilter();
    holdings.addEventListener("change", () => this.#changed());
    quotes.addEventListener("change", ({ detail }) => this.#quoted(detail));
  }

  #changed() {
    const symbols = [...new Set(this.holdings.rows().map(({ position }) => position.symbol))];
    this.quotes.want("positions", symbols);
    drawNamed(this, symbols, () => this.draw());
  }

  /** Prices change cells in place; rows move only when the person sorts or a position comes or goes. */
  #quoted(symbols) {
    const moved = this.holdings.rows().filter(({ position }) => symbols.has(position.symbol));
    for (const held of moved) this.view.refresh(rowOf(held, this.quotes), moved.length > MOST_FLASHING);
    if (moved.length) this.#total();
  }

  /** What the rows that are shown come to. */
  #total() {
    const rows = this.#shown.map((held) => rowOf(held, this.quotes));
    const sum = (name) => rows.reduce((total, row) => total + (Number.isFinite(row[name]) ? row[name] : 0), 0);
    const [value, profit] = [sum("value"), sum("profit")];
    byId("positions-total").hidden = rows.length < 2;
    setText(byId("positions-total-value"), formatMoney(value));
    for (const [part, figure, text] of [["profit", profit, formatSigned(profit)], ["ratio", profit, formatPercent(value === profit ? NaN : profit / (value - profit))]]) {
      setText(byId(`positions-total-${part}`), text);
      setTone(byId(`positions-total-${part}`), figure);
    }
  }

  draw() {
    const all = this.holdings.rows().map((held) => ({ ...rowOf(held, this.quotes), held }));
    const rows = all.filter((row) => this.#fits(row)).sort((a, b) => this.#compare(a, b));
    this.#shown = rows.map(({ held }) => held);
    if (this.holdings.known || all.length) this.view.render(rows);
    else this.view.wait();
    this.#total();
    this.table.classList.toggle("hide-account", !this.holdings.all);
    setText(byId("positions-empty"), t(all.length ? "positions.none_fits" : "positions.none"));
    setText(byId("positions-count"), all.length ? t(rows.length < all.length ? "count.positions_shown" : "count.positions", { shown: rows.length, count: all.length }) : "");
  }

  #fits({ symbol, name, account }) {
    return [symbol, name, account, knownInstrument(symbol)?.pinyin].some((text) => text?.toLowerCase().includes(this.#needle));
  }

  #compare(a, b) {
    const [left, right] = [a[this.#sort.key], b[this.#sort.key]];
    const order = typeof left === "string" ? left.localeCompare(right) : (Number.isFinite(left) ? left : -Infinity) - (Number.isFinite(right) ? right : -Infinity);
    return order * this.#sort.direction || a.key.localeCompare(b.key);
  }

  #header(key) {
    return key ? this.table.tHead.querySelector(`th[data-sort="${CSS.escape(key)}"]`) : null;
  }

  #mountSort() {
    const show = () => {
      for (const other of this.table.tHead.querySelectorAll("th[data-sort]")) other.removeAttribute("aria-sort");
      this.#header(this.#sort.key).setAttribute("aria-sort", this.#sort.direction > 0 ? "ascending" : "descending");
    };
    for (const header of this.table.tHead.querySelectorAll("th[data-sort]")) {
      header.querySelector("button").addEventListener("click", () => {
        const key = header.dataset.sort;
        const first = key === "symbol" || key === "account" ? 1 : -1;
        this.#sort = { key, direction: this.#sort.key === key ? -this.#sort.direction : first };
        show();
        this.#keep();
        this.draw();
      });
    }
    show();
  }

  #mountColumns() {
    mountMenu(byId("positions-menu"));
    for (const box of byId("positions-menu").querySelectorAll("input[data-column]")) {
      const { column: name } = box.dataset;
      const show = () => this.table.classList.toggle(`hide-${name}`, this.#hidden.has(name));
      box.checked = !this.#hidden.has(name);
      box.addEventListener("change", () => {
        if (box.checked) this.#hidden.delete(name);
        else this.#hidden.add(name);
        show();
        this.#keep();
      });
      show();
    }
  }

  #mountFilter() {
    const input = byId("positions-filter");
    input.value = this.#needle;
    input.addEventListener("input", () => {
      this.#needle = input.value.trim().toLowerCase();
      this.#keep();
      this.draw();
    });
  }

  #keep() {
    rememberObject(KEY, { sort: this.#sort, hidden: [...this.#hidden], needle: this.#needle });
  }
}

/** What may be sold now, as a button that fills the ticket with it. */
function sellCell(onSell, maySell) {
  return (cell, row) => {
    const text = formatQuantity(row.sellable);
    if (!(row.sellable > 0 && maySell(row))) {
      if (cell.firstElementChild || cell.textContent !== text) cell.replaceChildren(text);
      return;
    }
    if (!cell.firstElementChild) {
      const button = element("button", { type: "button", className: "row-link figure-link", dataset: { act: "sell" } });
      button.addEventListener("click", () => onSell({ symbol: row.symbol, quantity: Number(button.dataset.quantity) }));
      cell.replaceChildren(button);
    }
    const button = cell.firstElementChild;
    const words = t("positions.sell", { quantity: text, name: row.name || row.symbol });
    if (button.title === words) return;
    setText(button, text);
    button.dataset.quantity = String(row.sellable);
    button.title = words;
    button.setAttribute("aria-label", words);
  };
}

export const mountPositions = (holdings, quotes, acts) => byId("positions") && new PositionTable(holdings, quotes, acts);
