// Alerts: the open ones live, the closed ones in pages; whoever may act on one acknowledges it for everybody.
import "../lib/shell.js";
import { ApiError, post } from "../lib/api.js";
import { applyAlerts, kindText, titleOf } from "../lib/bell.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatStamp } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { standIn } from "../lib/panelstate.js";
import { Pages } from "../lib/rows.js";
import { mountStale } from "../market/stale.js";
import { t } from "../lib/text.js";

const list = byId("alerts");
const accounts = new Map(boot.accounts.map((account) => [account.id, account.name]));
const open = new Map();
let shown = "open";

function card(alert) {
  const where = [accounts.get(alert.account), alert.host].filter(Boolean).join(" · ");
  const times = alert.count > 1 ? t("alerts.times", { count: alert.count, first: formatStamp(alert.first_at) }) : "";
  const facts = element("dl", { className: "facts" });
  for (const [name, value] of Object.entries(alert.facts)) {
    facts.append(element("div", {}, element("dt", { textContent: name }), element("dd", { textContent: String(value ?? "—") })));
  }
  const end = element("div", { className: "alert-end" });
  if (alert.open && boot.may_acknowledge) {
    const button = element("button", { type: "button", className: "button button-small", textContent: t("alerts.acknowledge") });
    button.addEventListener("click", () => acknowledge(alert, button));
    end.append(button);
  } else if (!alert.open) end.append(element("span", { className: "muted", textContent: ending(alert) }));
  return element(
    "li",
    { className: `alert alert-${alert.severity.toLowerCase()}`, dataset: { id: alert.id } },
    element(
      "div",
      { className: "alert-head" },
      element("span", { className: `badge severity-${alert.severity.toLowerCase()}`, textContent: t(`severity.${alert.severity}`) }),
      element("strong", { textContent: kindText(alert.kind) || alert.kind }),
      element("span", { className: "muted tabular", textContent: formatStamp(alert.last_at) }),
      end,
    ),
    element("p", { className: "alert-title", textContent: titleOf(alert) }),
    element("p", { className: "muted alert-where", textContent: [where, times].filter(Boolean).join(" · ") }),
    ...(facts.childElementCount ? [element("details", {}, element("summary", { textContent: t("alerts.facts") }), facts)] : []),
  );
}

function ending(alert) {
  if (alert.acknowledged_at) return t("alerts.acknowledged", { who: alert.acknowledged_by, when: formatStamp(alert.acknowledged_at) });
  return t("alerts.cleared", { when: formatStamp(alert.cleared_at) });
}

async function acknowledge(alert, button) {
  button.disabled = true;
  try {
    await post(`alerts/${alert.id}/acknowledge`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    button.disabled = false;
    toast(error.text, "", { bad: true });
  }
}

/** A card that says the same stays the same: with what is unfolded in it, and the focus. */
function draw(alerts) {
  const known = new Map([...list.children].map((node) => [node.dataset.facts, node]));
  const nodes = alerts.map((alert) => {
    const facts = JSON.stringify(alert);
    const node = known.get(facts) ?? card(alert);
    node.dataset.facts = facts;
    return node;
  });
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  if (nodes.length !== list.children.length || nodes.some((node, index) => node !== list.children[index])) list.replaceChildren(...nodes);
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  setText(byId("alerts-empty"), t(shown === "open" ? "alerts.none_open" : "alerts.none"));
  byId("alerts-empty").hidden = alerts.length > 0;
}

const drawOpen = () => draw([...open.values()].sort((a, b) => b.id - a.id));
const pages = new Pages(byId("alerts-more"), (results, first) => {
  if (first) draw(results);
  else list.append(...results.map(card));
}, (error) => standIn(byId("alerts-empty"), error, () => pages.again()));

for (const button of document.querySelectorAll("[data-state]")) {
  button.addEventListener("click", () => {
    shown = button.dataset.state;
    for (const other of document.querySelectorAll("[data-state]")) other.setAttribute("aria-pressed", String(other === button));
    byId("alerts-more").hidden = true;
    if (shown === "open") drawOpen();
    else pages.load("alerts", new URLSearchParams({ state: shown }));
  });
}

mountStale();
socket.addEventListener("alerts", ({ detail }) => {
  applyAlerts(open, detail);
  if (shown === "open") drawOpen();
});
