// Orders and trades of the day, with cancel and replace.
import { ApiError, explain, post } from "../lib/api.js";
import { byId, element, setText, toast } from "../lib/dom.js";
import { mountCopy } from "../lib/copytable.js";
import { formatMoney, formatPrice, formatQuantity, formatTime } from "../lib/format.js";
import { rememberObject, rememberedObject } from "../lib/remember.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { Announcements } from "./announcements.js";
import { isWorking } from "./book.js";
import { digitsOf as digits, drawNamed, nameOf } from "./names.js";
import { showOrder } from "./orderdetail.js";
import { instrumentCell } from "./positions.js";
import { Replacements } from "./replace.js";

const KEY = "desk.orders";
const FAILED = new Set(["REJECTED", "DENIED", "EXPIRED", "UNKNOWN", "NOT_FOUND"]);
/** Which orders each choice shows. */
const FILTERS = { all: () => true, open: isWorking, failed: ({ status }) => FAILED.has(status) };
const newestFirst = (field) => (a, b) => (a[field] < b[field] ? 1 : a[field] > b[field] ? -1 : a.key < b.key ? 1 : -1);
const sideTone = (row) => (row.side === "BUY" ? "up" : "down");
const badgeOf = (row) => (FAILED.has(row.status) ? "badge-warn" : isWorking(row) ? "badge-active" : row.status === "FILLED" ? "badge-done" : "");

function statusCell(cell, row) {
  if (!cell.firstElementChild) cell.append(element("span"), element("span", { className: "sub reason" }));
  const [badge, words] = cell.children;
  badge.dataset.status = row.status;
  badge.className = `badge ${badgeOf(row)}`;
  setText(badge, t(`status.${row.status}`));
  const reason = (row.code && explain(row.code, row.details)) || row.message || "";
  setText(words, reason);
  words.title = reason;
}

async function cancel(order, button) {
  if (button.ariaDisabled === "true") return; // under way; a button that is disabled would lose the focus
  button.ariaDisabled = "true";
  try {
    await post(`orders/${order.id}/cancel`, {});
  } catch (error) {
    button.ariaDisabled = null;
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
      opener.addEventListener("click", () => showOrder(book.orders.get(row.id) ?? row, nameOf(row.symbol) || row.symbol));
      cell.append(opener);
    }
    setText(cell.firstElementChild, formatTime(row.submitted_at));
    cell.firstElementChild.setAttribute("aria-label", t("order.open", { time: formatTime(row.submitted_at), symbol: row.symbol }));
  };
  const actsCell = (cell, row) => {
    const wanted = isWorking(row) && !row.cancel_requested_at && mayCancel(row);
    if (!wanted) {
      // Whoever pressed it goes on in the same row.
      if (cell.contains(document.activeElement)) cell.parentElement.querySelector(".order-time").focus();
      cell.replaceChildren();
      return;
    }
    if (cell.firstElementChild) return;
    const act = (key, run) => {
      const button = element("button", { type: "button", className: "button button-small", dataset: { act: key }, textContent: t(key), "aria-label": t(`${key}.order`, { symbol: row.symbol }) });
      button.addEventListener("click", () => run(book.orders.get(row.id) ?? row, button));
      return button;
    };
    const replace = act("replace", (order) => replacements.open(order, nameOf(order.symbol) || order.symbol));
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
      { className: "card-title", fill: (cell, row) => instrumentCell(cell, row, onOpen) },
      { text: (row) => t(`side.${row.side}`), tone: sideTone },
      { className: "num", text: (row) => (row.price_type === "LIMIT" ? formatPrice(row.price, digits(row.symbol)) : t(`price_type.${row.price_type}`)) },
      { className: "num", text: (row) => `${formatQuantity(row.traded_quantity)} / ${formatQuantity(row.quantity)}` },
      { className: "num", text: (row) => (row.traded_quantity ? formatPrice(row.avg_price, digits(row.symbol) + 1) : "—") },
      { className: "card-wide", fill: linkCell },
      { text: (row) => row.created_by ?? t("source.EXTERNAL") },
      { text: (row) => row.order_id || "—" },
      { className: "card-acts", fill: actsCell },
    ],
    { empty: byId("orders-empty") },
  );
  const trades = new KeyedTable(
    byId("trades"),
    [
      { className: "tabular", text: (row) => formatTime(row.traded_at) },
      { className: "card-title", fill: (cell, row) => instrumentCell(cell, row, onOpen) },
      { text: (row) => t(`side.${row.side}`), tone: sideTone },
      { className: "num", text: (row) => formatPrice(row.price, digits(row.symbol)) },
      { className: "num", text: (row) => formatQuantity(row.quantity) },
      { className: "num", text: (row) => formatMoney(row.amount) },
      { className: "num", text: (row) => formatMoney(row.fees) },
      { text: (row) => row.traded_id },
    ],
    { empty: byId("trades-empty") },
  );
  const named = (row) => ({ ...row, key: String(row.id), name: row.name ?? nameOf(row.symbol) });
  let filter = FILTERS[rememberedObject(KEY).filter] ? rememberedObject(KEY).filter : "all";
  const drawOrders = () => {
    if (!book.loaded) return orders.wait();
    const all = [...book.orders.values()];
    const rows = all.filter(FILTERS[filter]).map(named).sort(newestFirst("submitted_at"));
    orders.render(rows);
    setText(byId("orders-empty"), t(all.length ? "orders.none_fits" : "orders.none"));
    setText(byId("orders-count"), all.length ? String(all.length) : "");
  };
  for (const button of document.querySelectorAll("[data-orders]")) {
    const show = () => button.setAttribute("aria-pressed", String(button.dataset.orders === filter));
    show();
    button.addEventListener("click", () => {
      filter = button.dataset.orders;
      rememberObject(KEY, { filter });
      for (const other of document.querySelectorAll("[data-orders]")) other.setAttribute("aria-pressed", String(other === button));
      drawOrders();
    });
  }
  const drawTrades = () => {
    if (!book.loaded) return trades.wait();
    const rows = [...book.trades.values()].map(named).sort(newestFirst("traded_at"));
    trades.render(rows);
    setText(byId("trades-count"), rows.length ? String(rows.length) : "");
  };
  const symbolsOf = (items) => [...items.values()].map(({ symbol }) => symbol);
  book.addEventListener("orders", () => drawNamed(orders, symbolsOf(book.orders), drawOrders));
  book.addEventListener("executions", drawOrders);
  book.addEventListener("trades", () => drawNamed(trades, symbolsOf(book.trades), drawTrades));
  const announcements = new Announcements();
  book.addEventListener("order", ({ detail: { before, order } }) => announcements.hear(before, order));
  mountTabs();
  mountCopy(byId("orders-copy"), () => (byId("trades-view").hidden ? orders : trades).table);
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
    byId("orders-filter").hidden = chosen !== tabs[0];
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
