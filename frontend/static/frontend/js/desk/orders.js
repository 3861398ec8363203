// Orders and trades of the day, with cancel and replace.
import { ApiError, explain, post } from "../lib/api.js";
import { byId, element, setText, toast } from "../lib/dom.js";
import { formatMoney, formatPrice, formatQuantity, formatTime, tickDigits } from "../lib/format.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { isWorking } from "./book.js";
import { knownInstrument, instrument } from "./instruments.js";
import { showOrder } from "./orderdetail.js";
import { instrumentCell } from "./positions.js";
import { Replacements } from "./replace.js";

const digits = (symbol) => tickDigits(knownInstrument(symbol)?.tick);
const newestFirst = (field) => (a, b) => (a[field] < b[field] ? 1 : a[field] > b[field] ? -1 : a.key < b.key ? 1 : -1);
const sideTone = (row) => (row.side === "BUY" ? "up" : "down");
const STATUS_BADGE = {
  FILLED: "badge-active", REJECTED: "badge-warn", DENIED: "badge-warn", UNKNOWN: "badge-warn", NOT_FOUND: "badge-warn", PARTIALLY_FILLED: "badge-active",
};

function statusCell(cell, row) {
  if (!cell.firstElementChild) cell.append(element("span"), element("span", { className: "sub reason" }));
  const [badge, words] = cell.children;
  badge.dataset.status = row.status;
  badge.className = `badge ${STATUS_BADGE[row.status] ?? ""}`;
  setText(badge, t(`status.${row.status}`));
  const reason = (row.code && explain(row.code, row.details)) || row.message || "";
  setText(words, reason);
  words.title = reason;
}

async function cancel(order, button) {
  button.disabled = true;
  try {
    await post(`orders/${order.id}/cancel`, {});
  } catch (error) {
    button.disabled = false;
    if (!(error instanceof ApiError)) throw error;
    toast(t("cancel.failed"), error.text, { bad: true });
  }
}

export function mountOrders(book, { onOpen, mayCancel }) {
  if (!byId("orders")) return;
  const replacements = new Replacements(book);
  const timeCell = (cell, row) => {
    if (!cell.firstElementChild) {
      const opener = element("button", { type: "button", className: "row-link order-time", dataset: { act: "detail" } });
      opener.addEventListener("click", () => showOrder(book.orders.get(row.id) ?? row, knownInstrument(row.symbol)?.name ?? row.symbol));
      cell.append(opener);
    }
    setText(cell.firstElementChild, formatTime(row.submitted_at));
    cell.firstElementChild.setAttribute("aria-label", t("order.open", { time: formatTime(row.submitted_at), symbol: row.symbol }));
  };
  const actsCell = (cell, row) => {
    const wanted = isWorking(row) && !row.cancel_requested_at && mayCancel(row);
    if (!wanted) {
      cell.replaceChildren();
      return;
    }
    if (cell.firstElementChild) return;
    const act = (key, run) => {
      const button = element("button", { type: "button", className: "button button-small", dataset: { act: key }, textContent: t(key), "aria-label": t(`${key}.order`, { symbol: row.symbol }) });
      button.addEventListener("click", () => run(book.orders.get(row.id) ?? row, button));
      return button;
    };
    const replace = act("replace", (order) => replacements.open(order, knownInstrument(order.symbol)?.name ?? order.symbol));
    cell.append(element("div", { className: "order-acts" }, replace, act("cancel", cancel)));
  };
  /** Beside the status: which order this one replaces, or which replaces it. */
  const linkCell = (cell, row) => {
    statusCell(cell, row);
    const told = replacements.words(row);
    const link = cell.querySelector(".order-link");
    if (told === null) {
      link?.remove();
      return;
    }
    if (link && link.textContent === told.text && link.dataset.other === (told.other ?? "")) return;
    const button = element("button", { type: "button", className: "row-link sub order-link", dataset: { other: told.other ?? "" }, textContent: told.text, disabled: told.other === null });
    button.addEventListener("click", () => orders.select(told.other));
    link?.remove();
    cell.append(button);
  };
  const orders = new KeyedTable(
    byId("orders"),
    [
      { className: "tabular", fill: timeCell },
      { fill: (cell, row) => instrumentCell(cell, row, onOpen) },
      { text: (row) => t(`side.${row.side}`), tone: sideTone },
      { className: "num", text: (row) => (row.price_type === "LIMIT" ? formatPrice(row.price, digits(row.symbol)) : t(`price_type.${row.price_type}`)) },
      { className: "num", text: (row) => `${formatQuantity(row.traded_quantity)} / ${formatQuantity(row.quantity)}` },
      { className: "num", text: (row) => (row.traded_quantity ? formatPrice(row.avg_price, digits(row.symbol) + 1) : "—") },
      { fill: linkCell },
      { text: (row) => row.created_by ?? t("source.EXTERNAL") },
      { text: (row) => row.order_id || "—" },
      { fill: actsCell },
    ],
    { empty: byId("orders-empty") },
  );
  const trades = new KeyedTable(
    byId("trades"),
    [
      { className: "tabular", text: (row) => formatTime(row.traded_at) },
      { fill: (cell, row) => instrumentCell(cell, row, onOpen) },
      { text: (row) => t(`side.${row.side}`), tone: sideTone },
      { className: "num", text: (row) => formatPrice(row.price, digits(row.symbol)) },
      { className: "num", text: (row) => formatQuantity(row.quantity) },
      { className: "num", text: (row) => formatMoney(row.amount) },
      { className: "num", text: (row) => formatMoney(row.fees) },
      { text: (row) => row.traded_id },
    ],
    { empty: byId("trades-empty") },
  );
  const named = (row) => ({ ...row, key: String(row.id), name: row.name ?? knownInstrument(row.symbol)?.name });
  const drawOrders = () => {
    const rows = [...book.orders.values()].map(named).sort(newestFirst("submitted_at"));
    orders.render(rows);
    setText(byId("orders-count"), rows.length ? String(rows.length) : "");
  };
  const drawTrades = () => {
    const rows = [...book.trades.values()].map(named).sort(newestFirst("traded_at"));
    trades.render(rows);
    setText(byId("trades-count"), rows.length ? String(rows.length) : "");
  };
  const withNames = (items, draw) => {
    draw();
    const missing = [...new Set(items.map((item) => item.symbol))].filter((symbol) => !knownInstrument(symbol));
    if (missing.length) Promise.allSettled(missing.map(instrument)).then(draw);
  };
  book.addEventListener("orders", () => withNames([...book.orders.values()], drawOrders));
  book.addEventListener("executions", drawOrders);
  book.addEventListener("trades", () => withNames([...book.trades.values()], drawTrades));
  book.addEventListener("order", ({ detail: { before, order } }) => announce(before, order));
  mountTabs();
}

/** Tell about an order that reached an end while the person looks elsewhere. */
function announce(before, order) {
  if (!before || before.status === order.status) return;
  if (!["FILLED", "REJECTED", "UNKNOWN", "NOT_FOUND", "PARTIALLY_CANCELLED", "CANCELLED", "EXPIRED"].includes(order.status)) return;
  const name = knownInstrument(order.symbol)?.name ?? order.symbol;
  const bad = !["FILLED", "CANCELLED"].includes(order.status);
  toast(`${name} · ${t(`side.${order.side}`)} · ${t(`status.${order.status}`)}`, order.message || `${formatQuantity(order.traded_quantity)} / ${formatQuantity(order.quantity)}`, { bad });
}

function mountTabs() {
  const tabs = [byId("tab-orders"), byId("tab-trades")];
  const show = (chosen) => {
    for (const tab of tabs) {
      const selected = tab === chosen;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = !selected;
    }
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => show(tab));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = tabs[1 - index];
      show(other);
      other.focus();
    });
  });
}
