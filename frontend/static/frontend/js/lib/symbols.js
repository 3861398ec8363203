// A symbol in a table leads to its page.
import { element } from "./dom.js";

export const instrumentAddress = (symbol) => `/instruments/${encodeURIComponent(symbol)}/`;

/** Name over code, as a link to the instrument's page. */
export const instrumentLink = (symbol, name = "") =>
  element("a", { className: "symbol-link", href: instrumentAddress(symbol) }, element("span", { textContent: name || symbol }), ...(name ? [element("span", { className: "sub", textContent: symbol })] : []));

/** A column's `fill`: the link is made once and follows its row; what is of no instrument has none. */
export function symbolCell(cell, { symbol, name }) {
  if (cell.dataset.symbol === `${symbol} ${name ?? ""}`) return;
  cell.dataset.symbol = `${symbol} ${name ?? ""}`;
  cell.replaceChildren(...(symbol ? [instrumentLink(symbol, name)] : []));
}
