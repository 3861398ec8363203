// Cancelling everything open of the account, of one instrument or strategy: listed first, then what would place new orders, then the orders.
import { ApiError, post } from "../lib/api.js";
import { byId, element, setText, toast } from "../lib/dom.js";
import { formatQuantity } from "../lib/format.js";
import { t } from "../lib/text.js";
import { isWorking } from "./book.js";
import { knownInstrument } from "./instruments.js";

export function mountCancelAll(book, { account, mayCancel }) {
  const button = byId("cancel-all");
  if (!button) return;
  const dialog = byId("cancel-all-dialog");
  const [symbol, strategy] = [byId("cancel-all-symbol"), byId("cancel-all-strategy")];
  const open = () => [...book.orders.values()].filter((order) => isWorking(order) && mayCancel(order));
  const chosen = () => open().filter((order) => (!symbol.value || order.symbol === symbol.value) && (!strategy.value || order.strategy === strategy.value));
  const running = () => [...book.executions.values()].filter((execution) => execution.final_at === null && mayCancel(execution) && (!strategy.value || execution.strategy === strategy.value));
  // Of one instrument only what is about nothing else ends: a basket's other legs are not what was asked about.
  const ending = () => running().filter(({ legs }) => legs.every((leg) => !symbol.value || leg.symbol === symbol.value));
  const staying = () => running().filter(({ legs }) => symbol.value && legs.length > 1 && legs.some((leg) => leg.symbol === symbol.value));
  const draw = () => {
    const orders = chosen();
    setText(byId("cancel-all-question"), t("cancel_all.question", { count: orders.length }));
    byId("cancel-all-orders").replaceChildren(...orders.map(orderLine));
    const [ends, stays] = [ending().length, staying().length];
    const words = [ends && t("cancel_all.executions", { count: ends }), stays && t("cancel_all.executions_stay", { count: stays })];
    setText(byId("cancel-all-executions"), words.filter(Boolean).join(" "));
    byId("cancel-all-send").disabled = !orders.length && !ends;
  };
  book.addEventListener("orders", () => {
    button.hidden = open().length === 0;
    if (dialog.open) draw();
  });
  for (const select of [symbol, strategy]) select.addEventListener("change", draw);
  button.addEventListener("click", () => {
    offer(symbol, new Set(open().map((order) => order.symbol)));
    offer(strategy, new Set([...open(), ...running()].map((one) => one.strategy).filter(Boolean)));
    draw();
    dialog.returnValue = "";
    dialog.showModal();
  });
  dialog.addEventListener("close", () => dialog.returnValue === "cancel" && cancelAll(account().id, symbol.value, strategy.value, ending()));
}

function offer(select, values) {
  select.replaceChildren(element("option", { value: "", textContent: t("cancel_all.every") }), ...[...values].sort().map((value) => element("option", { value, textContent: value })));
}

function orderLine({ symbol, side, quantity, traded_quantity: traded, price, price_type: type, strategy }) {
  const terms = type === "LIMIT" ? price : t(`price_type.${type}`);
  const words = [`${t(`side.${side}`)} ${formatQuantity(quantity - traded)} / ${formatQuantity(quantity)}`, knownInstrument(symbol)?.name ?? "", symbol, terms, strategy];
  return element("li", { textContent: words.filter(Boolean).join(" · ") });
}

async function cancelAll(account, symbol, strategy, ending) {
  const of = strategy ? { account, strategy } : { account };
  try {
    const executions = symbol ? await Promise.all(ending.map(endOne)) : (await post("executions/cancel", of)).body.results;
    const { body: orders } = await post("orders/cancel", symbol ? { ...of, symbol } : of);
    const left = [...executions, ...orders.results].map(({ code }) => code).filter(Boolean);
    const words = left.length ? t("cancel_all.left", { count: left.length, codes: [...new Set(left)].join(", ") }) : "";
    toast(t("cancel_all.done", { count: orders.results.filter(({ outcome }) => outcome !== null).length }), words, { bad: left.length > 0 });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(t("cancel.failed"), error.text, { bad: true });
  }
}

/** One execution is told to end; what it answers has the shape of many. */
async function endOne({ id }) {
  try {
    await post(`executions/${id}/cancel`, {});
    return { code: "" };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { code: error.code === "EXECUTION_FINAL" ? "" : error.code };
  }
}
