// Which orders wait for somebody else, and whether a given one would.
import "../lib/shell.js";
import { byId } from "../lib/dom.js";
import { socket } from "../lib/live.js";
import { Rules } from "../approvals/rules.js";
import { RuleTrial } from "../approvals/trial.js";

const rules = new Rules();
if (byId("rule-trial")) new RuleTrial();
socket.addEventListener("up", () => rules.refresh()); // also after every loss of the connection
