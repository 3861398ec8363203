// One order: what it is, why it ended, and where its time went, from acceptance to its end.
import { ApiError, explain, get } from "../lib/api.js";
import { byId, element, setText } from "../lib/dom.js";
import { formatPrice, formatQuantity, NONE } from "../lib/format.js";
import { t } from "../lib/text.js";
import { digitsOf } from "./names.js";

const clock = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });
const milliseconds = (value) => (value < 10_000 ? `${value.toFixed(value < 100 ? 1 : 0)} ms` : `${(value / 1000).toFixed(1)} s`);

let shown = null; // the order that the dialog is about

function stepRow(step, total) {
  const bar = element("span");
  // Each step's part of the whole, where it lies.
  bar.style.setProperty("margin-inline-start", `${(100 * (step.total_ms - step.ms)) / total}%`);
  bar.style.setProperty("width", `${(100 * step.ms) / total}%`);
  return element(
    "tr",
    {},
    element("td", { textContent: t(`order.step.${step.step}`) }),
    element("td", { className: "tabular", textContent: clock.format(new Date(step.at)) }),
    element("td", { className: "num", textContent: step.step === "accepted" ? "" : `+${milliseconds(step.ms)}` }),
    element("td", { className: "step-cell" }, element("div", { className: "step-bar", "aria-hidden": "true" }, bar)),
  );
}

const fact = (key, text, className = "") => element("div", { className }, element("dt", { textContent: t(key) }), element("dd", { textContent: text }));

/** What is known of an order, in full: a reason that a table cuts off stands here whole. */
function factsOf(order) {
  const { symbol, price_type: type, price, quantity, traded_quantity: traded, avg_price: average, order_id: number, created_by: who, strategy, status, code, details, message } = order;
  const reason = (code && explain(code, details)) || message;
  const priced = type === "LIMIT" ? formatPrice(price, digitsOf(symbol)) : t(`price_type.${type}`);
  return [
    fact("order.fact.symbol", symbol),
    fact("ticket.price", priced),
    fact("order.fact.filled", `${formatQuantity(traded)} / ${formatQuantity(quantity)}`),
    fact("order.fact.average", traded ? formatPrice(average, digitsOf(symbol) + 1) : NONE),
    fact("order.fact.number", number || NONE),
    fact("order.fact.by", who ?? t("source.EXTERNAL")),
    ...(strategy ? [fact("order.fact.strategy", strategy)] : []),
    fact("order.fact.status", t(`status.${status}`)),
    ...(reason ? [fact("order.fact.reason", reason, "wide")] : []),
  ];
}

/** Show an order: what it is, and where its time went. */
export async function showOrder(order, name) {
  const dialog = byId("order-dialog");
  setText(byId("order-dialog-title"), t("order.detail", { side: t(`side.${order.side}`), quantity: formatQuantity(order.quantity), name }));
  const rows = byId("order-steps").tBodies[0];
  shown = order.id;
  const note = byId("order-dialog-note");
  rows.replaceChildren();
  byId("order-facts").replaceChildren(...factsOf(order));
  setText(note, t("order.loading"));
  dialog.showModal();
  try {
    const { body } = await get(`orders/${order.id}`);
    if (shown !== order.id) return; // another one was opened meanwhile
    const total = Math.max(1e-6, body.timeline.at(-1).total_ms);
    byId("order-facts").replaceChildren(...factsOf(body));
    rows.replaceChildren(...body.timeline.map((step) => stepRow(step, total)));
    setText(note, t("order.total", { status: t(`status.${body.status}`), time: milliseconds(body.timeline.at(-1).total_ms) }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (shown === order.id) setText(note, error.text);
  }
}
