// What a dry run says, in words: denials first, then the cost by item. Shared by the ticket and the risk page.
import { explain } from "../lib/api.js";
import { element } from "../lib/dom.js";
import { formatMoney, formatQuantity, number } from "../lib/format.js";
import { hasText, t } from "../lib/text.js";
import { figureIn } from "../lib/units.js";

const COST_ITEMS = ["amount", "commission", "stamp_duty", "transfer_fee", "total"];

const checkName = (name) => (hasText(`check.${name}`) ? t(`check.${name}`) : hasText(`limit.${name}`) ? t(`limit.${name}`) : name);

/** The words of a limit: its number, value, unit and what is used of it. */
const limitWords = ({ id, scope, value, unit, used }) =>
  t(used === null ? "verdict.limit" : "verdict.limit_used", { id, value: value === null ? "—" : figureIn(value, unit), used: figureIn(used ?? 0, ""), scope: t(`limit_scope.${scope}`) });

/** One `li` per denial of a dry run. */
export function denialItems(checks) {
  return checks
    .filter(({ verdict }) => verdict === "DENIED")
    .map(({ check, code, facts, limit }) => element("li", { dataset: { code } }, element("b", { textContent: checkName(check) }), ` — ${explain(code, facts) || code}`, ...(limit ? [element("span", { className: "hint", textContent: limitWords(limit) })] : [])));
}

/** The cost by item as `div`s of a `dl`; items that cost nothing are left out, amount and total never. */
export function costItems(cost) {
  return COST_ITEMS.filter((name) => name === "amount" || name === "total" || number(cost[name]) > 0).map((name) => element("div", {}, element("dt", { textContent: t(`cost.${name}`) }), element("dd", { className: "num", textContent: formatMoney(cost[name]) })));
}

/** The names of the checks that were passed. */
export function passedItems(checks) {
  return checks.filter(({ verdict }) => verdict === "PASSED").map(({ check }) => element("li", { textContent: checkName(check) }));
}

export const passedWords = (checks) => t("verdict.passed", { count: formatQuantity(checks.filter(({ verdict }) => verdict === "PASSED").length) });
