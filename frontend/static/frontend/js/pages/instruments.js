// Instruments by code, name or pinyin, with the prices of those in sight.
import "../lib/shell.js";
import { ApiError, get } from "../lib/api.js";
import { byId, element, setText, tone } from "../lib/dom.js";
import { formatPercent, formatPrice, NONE, number, tickDigits } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { symbolCell } from "../lib/symbols.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { Quotes } from "../desk/quotes.js";
import { mountStale } from "../market/stale.js";

const MOST = 100;
const PAUSE_MS = 250;
const form = byId("search");
const quotes = new Quotes(socket);
const rows = new Map();
const change = ({ quote }) => (number(quote?.pre_close) > 0 && number(quote.last) > 0 ? number(quote.last) / number(quote.pre_close) - 1 : NaN);
const digits = ({ tick }) => tickDigits(tick);

function stateCell(cell, row) {
  const words = [row.is_st && t("instrument.st"), row.suspended && t("instrument.suspended"), row.delist_date && t("instrument.delisted")].filter(Boolean);
  cell.replaceChildren(...words.map((textContent) => element("span", { className: "badge badge-warn", textContent })));
}

const table = new KeyedTable(
  byId("found"),
  [
    { fill: symbolCell },
    { text: (row) => t(`kind.${row.kind}`) },
    { text: (row) => t(`board.${row.board}`) },
    { fill: stateCell },
    { className: "num price-cell", text: (row) => formatPrice(row.quote?.last, digits(row)), tone: (row) => tone(change(row)) },
    { className: "num price-cell", text: (row) => formatPercent(change(row)), tone: (row) => tone(change(row)) },
    { className: "num", text: (row) => formatPrice(row.limit_down, digits(row)) },
    { className: "num", text: (row) => formatPrice(row.limit_up, digits(row)) },
    { className: "tabular", text: (row) => row.list_date ?? NONE },
  ],
  { empty: byId("found-empty") },
);

const withQuote = (row) => ({ ...row, key: row.symbol, quote: quotes.get(row.symbol) });
let turn = 0;

async function search() {
  const mine = (turn += 1);
  const query = new URLSearchParams({ q: form.elements.q.value.trim(), limit: String(MOST) });
  if (form.elements.kind.value) query.set("kind", form.elements.kind.value);
  try {
    const { body } = await get(`instruments?${query}`);
    if (mine !== turn) return;
    rows.clear();
    for (const row of body.results) rows.set(row.symbol, row);
    quotes.want("found", [...rows.keys()]);
    table.render([...rows.values()].map(withQuote));
    setText(byId("found-count"), t(rows.size === MOST ? "instrument.more" : "instrument.found", { count: rows.size }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (mine === turn) table.fail(error, search);
  }
}

quotes.addEventListener("change", ({ detail }) => {
  for (const symbol of detail) if (rows.has(symbol)) table.update(withQuote(rows.get(symbol)));
});
let typing = null;
form.elements.q.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, PAUSE_MS);
});
form.elements.kind.addEventListener("change", search);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  search();
});
socket.addEventListener("up", search);
mountStale();
table.wait();
// A search can be linked: /instruments/?q=maotai.
form.elements.q.value = new URLSearchParams(location.search).get("q") ?? "";
search();
