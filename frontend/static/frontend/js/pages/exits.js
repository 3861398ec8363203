// Exit plans, the MACD rule, grids, and the signals of all: one account at a time.
import "../lib/shell.js";
import { boot, byId } from "../lib/dom.js";
import { socket } from "../lib/live.js";
import { Automatic } from "../exits/automatic.js";
import { Grids } from "../exits/grids.js";
import { MacdRules } from "../exits/macd.js";
import { Plans } from "../exits/plans.js";
import { Signals } from "../exits/signals.js";
import { Triggers } from "../exits/triggers.js";

const select = byId("account-choice"); // absent: no account is this person's to see

function start() {
  const triggers = new Triggers();
  const panels = [new Automatic(), new Signals(() => triggers.refresh()), triggers, new Plans(() => triggers.refresh()), new MacdRules(), new Grids()];
  const choose = (id) => {
    const account = boot.accounts.find((candidate) => candidate.id === id);
    for (const panel of panels) panel.show(account);
  };
  socket.addEventListener("revoked", () => location.reload());
  select.addEventListener("change", () => choose(Number(select.value)));
  socket.addEventListener("up", () => panels.forEach((panel) => panel.refresh())); // also after every loss of the connection
  choose(Number(select.value));
}

if (select) start();
