// Instruments' names beside their codes: asked for once, drawn when they are here.
import { tickDigits } from "../lib/format.js";
import { instrument, knownInstrument } from "./instruments.js";

/** The name of `symbol` as far as it is known, else "". */
export const nameOf = (symbol) => knownInstrument(symbol)?.name ?? "";

/** Digits that a price of `symbol` has. */
export const digitsOf = (symbol) => tickDigits(knownInstrument(symbol)?.tick);

/** Name and code in one line. */
export const nameAndCode = (symbol) => [nameOf(symbol), symbol].filter(Boolean).join(" ");

const newest = new WeakMap(); // what is drawn on -> how it was drawn last

/**
 * Draw on `owner` with the names that are known, and once more when the others came, by then as it was drawn last: names
 * that come late never bring older rows back. A code that nobody knows stays a code.
 */
export function drawNamed(owner, symbols, draw) {
  newest.set(owner, draw);
  draw();
  const missing = [...new Set(symbols)].filter((symbol) => symbol && !knownInstrument(symbol));
  if (missing.length) Promise.allSettled(missing.map(instrument)).then(() => newest.get(owner)());
}
