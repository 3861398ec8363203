// Where one order's time went: its steps with what each took, from acceptance to its end.
import { ApiError, get } from "../lib/api.js";
import { byId, element, setText } from "../lib/dom.js";
import { formatQuantity } from "../lib/format.js";
import { t } from "../lib/text.js";

const clock = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });
const milliseconds = (value) => (value < 10_000 ? `${value.toFixed(value < 100 ? 1 : 0)} ms` : `${(value / 1000).toFixed(1)} s`);

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

/** Show where the time of an order went. */
export async function showOrder(order, name) {
  const dialog = byId("order-dialog");
  setText(byId("order-dialog-title"), t("order.detail", { side: t(`side.${order.side}`), quantity: formatQuantity(order.quantity), name }));
  const rows = byId("order-steps").tBodies[0];
  const note = byId("order-dialog-note");
  rows.replaceChildren();
  setText(note, t("order.loading"));
  dialog.showModal();
  try {
    const { body } = await get(`orders/${order.id}`);
    const total = Math.max(1e-6, body.timeline.at(-1).total_ms);
    rows.replaceChildren(...body.timeline.map((step) => stepRow(step, total)));
    setText(note, t("order.total", { status: t(`status.${body.status}`), time: milliseconds(body.timeline.at(-1).total_ms) }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    setText(note, error.text);
  }
}
