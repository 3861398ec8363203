// Orders made of orders: ask for one, watch it, pause, resume or end it. One account at a time.
import "../lib/shell.js";
import { boot, byId } from "../lib/dom.js";
import { socket } from "../lib/live.js";
import { ExecutionDetail } from "../executions/detail.js";
import { ExecutionForm } from "../executions/form.js";
import { ExecutionList } from "../executions/list.js";

const select = byId("account-choice"); // absent: no account is this person's to see

function start() {
  const detail = new ExecutionDetail();
  const list = new ExecutionList((execution) => detail.show(execution));
  const form = new ExecutionForm((execution) => list.add(execution));
  const choose = (id) => {
    const account = boot.accounts.find((candidate) => candidate.id === id);
    list.show(account);
    form.show(account);
  };
  select.addEventListener("change", () => choose(Number(select.value)));
  socket.addEventListener("revoked", () => location.reload());
  choose(Number(select.value));
}

if (select) start();
