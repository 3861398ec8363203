// Transfers of money: ask for one, decide about somebody else's, settle what was not answered.
import "../lib/shell.js";
import { boot, byId } from "../lib/dom.js";
import { socket } from "../lib/live.js";
import { Decision } from "../money/decision.js";
import { TransferForm } from "../money/form.js";
import { MoneyLimits } from "../money/limits.js";
import { TransferList } from "../money/list.js";

if (boot.accounts.length) {
  const limits = new MoneyLimits();
  const decision = new Decision((transfer) => moved(transfer));
  const list = new TransferList((act, transfer, accountName) => decision.open(act, transfer, accountName));
  const form = byId("transfer-form") && new TransferForm((transfer) => moved(transfer));
  const moved = (transfer) => {
    list.put(transfer);
    limits.refresh();
  };
  socket.addEventListener("delta", ({ detail }) => {
    if (!detail.events.some(({ kind }) => kind === "transfer")) return;
    limits.refresh();
    form?.judge();
  });
  list.refresh();
  limits.refresh();
}
