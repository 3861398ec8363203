// The table of positions: values follow the prices, the order of rows only what the person chose.
import { byId, element, setText, tone } from "../lib/dom.js";
import { formatMoney, formatPercent, formatPrice, formatQuantity, formatSigned, tickDigits } from "../lib/format.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { instrument, knownInstrument } from "./instruments.js";
import { valuePosition } from "./valuation.js";

/** Name over code, as a button that opens the instrument. */
export function instrumentCell(cell, row, onOpen) {
  let button = cell.firstElementChild;
  if (!button) {
    button = element("button", { type: "button", className: "row-link" }, element("span"), element("span", { className: "sub" }));
    button.addEventListener("click", () => onOpen(row.symbol));
    cell.append(button);
  }
  setText(button.children[0], row.name || row.symbol);
  setText(button.children[1], row.symbol);
}

export function mountPositions(book, quotes, onOpen) {
  const table = byId("positions");
  if (!table) return;
  const digits = (row) => tickDigits(knownInstrument(row.symbol)?.tick);
  const columns = [
    { fill: (cell, row) => instrumentCell(cell, row, onOpen) },
    { className: "num", text: (row) => formatQuantity(row.quantity) },
    { className: "num", text: (row) => formatQuantity(row.sellable) },
    { className: "num", text: (row) => formatPrice(row.cost, Math.max(3, digits(row))) },
    { className: "num price-cell", text: (row) => formatPrice(row.last, digits(row)), tone: (row) => tone(row.change), flashOn: (row) => row.last },
    { className: "num price-cell", text: (row) => formatPercent(row.change), tone: (row) => tone(row.change) },
    { className: "num", text: (row) => formatMoney(row.value) },
    { className: "num", text: (row) => formatSigned(row.profit), tone: (row) => tone(row.profit) },
    { className: "num", text: (row) => formatPercent(row.profit_ratio), tone: (row) => tone(row.profit_ratio) },
  ];
  const view = new KeyedTable(table, columns, { empty: byId("positions-empty") });
  const sort = { key: "symbol", direction: 1 };

  const rowOf = (position) => {
    const worth = valuePosition(position, quotes.get(position.symbol));
    return {
      key: position.symbol,
      symbol: position.symbol,
      name: position.name ?? knownInstrument(position.symbol)?.name,
      quantity: position.quantity,
      sellable: position.sellable,
      cost: worth.cost,
      last: worth.last,
      change: worth.dayRatio,
      value: worth.value,
      profit: worth.profit,
      profit_ratio: worth.profitRatio,
    };
  };
  const compare = (a, b) => {
    const [left, right] = [a[sort.key], b[sort.key]];
    const order = typeof left === "string" ? left.localeCompare(right) : (Number.isFinite(left) ? left : -Infinity) - (Number.isFinite(right) ? right : -Infinity);
    return order * sort.direction || a.symbol.localeCompare(b.symbol);
  };
  const draw = () => {
    const rows = [...book.positions.values()].map(rowOf).sort(compare);
    view.render(rows);
    setText(byId("positions-count"), rows.length ? t("count.positions", { count: rows.length }) : "");
  };

  book.addEventListener("positions", () => {
    const symbols = [...book.positions.keys()];
    quotes.want("positions", symbols);
    Promise.allSettled(symbols.filter((symbol) => !knownInstrument(symbol)).map(instrument)).then(draw);
    draw();
  });
  quotes.addEventListener("change", ({ detail: symbols }) => {
    // Prices change cells in place; rows move only when the person sorts or a position comes or goes.
    for (const symbol of symbols) {
      const position = book.positions.get(symbol);
      if (position) view.update(rowOf(position));
    }
  });
  for (const header of table.tHead.querySelectorAll("th[data-sort]")) {
    header.querySelector("button").addEventListener("click", () => {
      const key = header.dataset.sort;
      sort.direction = sort.key === key ? -sort.direction : key === "symbol" ? 1 : -1;
      sort.key = key;
      for (const other of table.tHead.querySelectorAll("th[data-sort]")) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", sort.direction > 0 ? "ascending" : "descending");
      draw();
    });
  }
}
