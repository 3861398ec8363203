// Cancelling everything open of the account: first what would place new orders, then the orders.
import { ApiError, post } from "../lib/api.js";
import { byId, setText, toast } from "../lib/dom.js";
import { t } from "../lib/text.js";
import { isWorking } from "./book.js";

export function mountCancelAll(book, { account, mayCancel }) {
  const button = byId("cancel-all");
  if (!button) return;
  const dialog = byId("cancel-all-dialog");
  const open = () => [...book.orders.values()].filter((order) => isWorking(order) && mayCancel(order));
  book.addEventListener("orders", () => {
    button.hidden = open().length === 0;
  });
  button.addEventListener("click", () => {
    setText(byId("cancel-all-question"), t("cancel_all.question", { count: open().length }));
    dialog.returnValue = "";
    dialog.showModal();
  });
  dialog.addEventListener("close", () => dialog.returnValue === "cancel" && cancelAll(account().id));
}

async function cancelAll(account) {
  try {
    const { body: executions } = await post("executions/cancel", { account });
    const { body: orders } = await post("orders/cancel", { account });
    const left = [...executions.results, ...orders.results].map(({ code }) => code).filter(Boolean);
    const words = left.length ? t("cancel_all.left", { count: left.length, codes: [...new Set(left)].join(", ") }) : "";
    toast(t("cancel_all.done", { count: orders.results.filter(({ outcome }) => outcome !== null).length }), words, { bad: left.length > 0 });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(t("cancel.failed"), error.text, { bad: true });
  }
}
