// What an execution would come to: its cost by item and the times of its children.
import { explain } from "../lib/api.js";
import { element } from "../lib/dom.js";
import { formatMoney, formatQuantity, formatTime, number } from "../lib/format.js";
import { t } from "../lib/text.js";

const ITEMS = ["sold", "bought", "commission", "stamp_duty", "transfer_fee", "fees"];
const SHOWN = 12;

/** The cost as a `dl`; items that are nothing are left out. */
export function costList(cost) {
  if (cost === null) return element("p", { className: "hint", textContent: t("exec.no_cost") });
  const net = number(cost.net);
  const lines = ITEMS.filter((name) => number(cost[name]) > 0).map((name) => [t(`exec.cost.${name}`), formatMoney(cost[name])]);
  lines.push([t(net < 0 ? "exec.cost.brings" : "exec.cost.takes"), formatMoney(Math.abs(net))]);
  return element("dl", { className: "cost" }, ...lines.map(([name, figure]) => element("div", {}, element("dt", { textContent: name }), element("dd", { className: "num", textContent: figure }))));
}

/** The children that would come, with their times; the middle of many is left out. */
export function childList(children) {
  const line = ({ number: place, quantity, at }) => element("li", {}, element("b", { className: "tabular", textContent: at === null ? `#${place}` : formatTime(at) }), ` ${formatQuantity(quantity)}`);
  const shown = children.length > SHOWN + 1 ? [...children.slice(0, SHOWN - 2).map(line), element("li", { className: "muted", textContent: t("exec.more_children", { count: children.length - SHOWN + 1 }) }), line(children.at(-1))] : children.map(line);
  return element("ol", { className: "children" }, ...shown);
}

/** The verdict on the whole: badge, cost, approval, children. */
export function summary({ accepted, code, approval, legs, cost, children }, { withLegs }) {
  const badge = element("span", { className: `badge ${accepted ? "badge-active" : "badge-warn"}`, dataset: { accepted: String(accepted) }, textContent: t(accepted ? "exec.accepted" : "exec.denied") });
  const parts = [element("p", { className: "verdict-line" }, badge, ...(code ? [explain(code)] : []))];
  const denied = withLegs ? legs.filter(({ verdict }) => verdict === "DENIED") : [];
  if (denied.length) parts.push(element("ul", { className: "denials" }, ...denied.map((leg) => element("li", { dataset: { code: leg.code }, textContent: explain(leg.code, leg.facts) || leg.code }))));
  if (approval !== null) parts.push(element("p", { className: "hint", textContent: t("exec.waits", { minutes: Math.ceil(approval.expires_seconds / 60), rules: approval.rules.map(({ id, note }) => note || `#${id}`).join(", ") }) }));
  if (legs.some(({ quantity }) => quantity)) parts.push(costList(cost));
  if (children.length) parts.push(element("p", { textContent: t("exec.children", { count: children.length }) }), childList(children));
  return parts;
}
