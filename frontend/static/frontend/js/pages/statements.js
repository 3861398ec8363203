// Statements: what an account earned and paid, and where our books and the broker disagree.
import "../lib/shell.js";
import { boot, byId } from "../lib/dom.js";
import { socket } from "../lib/live.js";
import { Curve } from "../books/curve.js";
import { Differences } from "../books/differences.js";
import { ProfitTable } from "../books/profit.js";
import { Statement } from "../books/statement.js";

const EVERY_MS = 15_000;
const select = byId("account"); // absent: no account is this person's to see

if (select) {
  const statement = new Statement();
  const profit = new ProfitTable();
  const differences = new Differences();
  const curve = new Curve();
  const chosen = () => boot.accounts.find(({ id }) => id === Number(select.value));
  const show = () => {
    for (const panel of [statement, profit, differences, curve]) panel.show(chosen());
  };
  select.addEventListener("change", show);
  let shown = false;
  socket.addEventListener("up", () => {
    // Back after a loss of the connection: everything may have moved.
    if (shown) show();
    shown = true;
  });
  setInterval(() => document.visibilityState === "visible" && [statement, profit].forEach((panel) => panel.refresh()), EVERY_MS);
  show();
}
