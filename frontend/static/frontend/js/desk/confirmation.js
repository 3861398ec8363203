// The last look before an order leaves: what, at which price, and what it costs by item.
import { byId, element, setText } from "../lib/dom.js";
import { formatMoney, formatPrice, formatQuantity, number } from "../lib/format.js";
import { t } from "../lib/text.js";
import { costItems } from "./verdicts.js";

const fact = (key, text) => element("div", {}, element("dt", { textContent: t(key) }), element("dd", { className: "num", textContent: text }));

/** Show the order with its cost; resolves to whether it is to be sent. Enter sends, Escape goes back. */
export function confirmed({ order, verdict, name, digits }) {
  const dialog = byId("confirm-dialog");
  const { side, quantity, price_type: type, price, clamped_from: clamped, reservation, cost } = verdict;
  const priced = type === "LIMIT" ? formatPrice(price, digits) : t(`price_type.${type}`) + (price === null ? "" : ` · ${formatPrice(price, digits)}`);
  setText(byId("confirm-title"), t("ticket.confirm", { side: t(`side.${side}`), quantity: formatQuantity(quantity), name }));
  byId("confirm-facts").replaceChildren(element("div", {}, element("dt", { textContent: order.symbol }), element("dd", { textContent: byId("account-select").selectedOptions[0].textContent })), fact("ticket.price", priced), ...(cost === null ? [] : costItems(cost)));
  const notes = [
    clamped !== null && t("verdict.clamped", { price: formatPrice(price, digits) }),
    number(reservation.cash) > 0 && t("ticket.reserves", { cash: formatMoney(reservation.cash) }),
    reservation.quantity > 0 && t("ticket.reserves_shares", { quantity: formatQuantity(reservation.quantity) }),
  ];
  setText(byId("confirm-note"), notes.filter(Boolean).join(" "));
  const send = byId("confirm-send");
  setText(send, t(`side.${side}`));
  send.classList.toggle("selling", side === "SELL");
  dialog.returnValue = "";
  dialog.showModal();
  send.focus();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "send"), { once: true }));
}
