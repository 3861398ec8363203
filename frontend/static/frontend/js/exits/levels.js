// Prices with their names, as one line of a table or a form.
import { element } from "../lib/dom.js";
import { formatPrice } from "../lib/format.js";

/** @param {{name: string, price: string, state?: string}[]} levels @param {number} digits  of their prices */
export function levelLine(levels, digits = 3) {
  const nodes = levels.map(({ name, price, state = "", note = "" }) =>
    element("span", { className: "level", dataset: { state } }, `${name} `, element("b", { textContent: formatPrice(price, digits) }), note ? ` ${note}` : ""),
  );
  return element("div", { className: "levels" }, ...nodes);
}
