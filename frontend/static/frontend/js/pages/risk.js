// Risk: what bounds orders, how much of it is used, and the switch that stops everything.
import "../lib/shell.js";
import { boot, byId } from "../lib/dom.js";
import { socket } from "../lib/live.js";
import { KillSwitch } from "../risk/kill.js";
import { Limits } from "../risk/limits.js";
import { Report } from "../risk/report.js";
import { States } from "../risk/states.js";
import { Trial } from "../risk/trial.js";
import { Usage } from "../risk/usage.js";

const select = byId("risk-account"); // absent: no account is this person's to see
const panels = select ? [new Usage(), new Trial(), new Report()] : [];
const reloadUsage = () => panels[0]?.refresh();
const limits = new Limits(reloadUsage);
const states = new States(reloadUsage);
const killSwitch = new KillSwitch(() => states.refresh());

function choose(id) {
  const account = boot.accounts.find((candidate) => candidate.id === id);
  for (const panel of panels) panel.show(account);
  killSwitch.choose(account);
}

function refresh() {
  limits.refresh();
  states.refresh();
  killSwitch.refresh();
}

if (select) {
  select.addEventListener("change", () => choose(Number(select.value)));
  choose(Number(select.value));
}
socket.addEventListener("account", () => states.refresh()); // halted or resumed elsewhere
socket.addEventListener("up", refresh); // also after every loss of the connection
