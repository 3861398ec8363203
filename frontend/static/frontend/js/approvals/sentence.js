// An approval rule in one plain sentence.
import { boot } from "../lib/dom.js";
import { formatMoney } from "../lib/format.js";
import { t } from "../lib/text.js";

const SHOWN = 5;

export const accountName = (id) => boot.accounts.find((account) => account.id === id)?.name ?? `#${id}`;

/** Seconds as minutes where they are whole ones. */
export const duration = (seconds) => (seconds % 60 ? t("rule.seconds", { count: seconds }) : t("rule.minutes", { count: seconds / 60 }));

/** @param {object} rule  as REST tells it */
export function sentence(rule) {
  const symbols = rule.symbols.length > SHOWN ? t("rule.symbols_more", { symbols: rule.symbols.slice(0, SHOWN).join(", "), count: rule.symbols.length - SHOWN }) : rule.symbols.join(", ");
  const clauses = [
    rule.user && t("rule.of_user", { user: rule.user }),
    rule.account !== null && t("rule.on_account", { account: accountName(rule.account) }),
    rule.strategy && t("rule.of_strategy", { strategy: rule.strategy }),
    rule.sides.length === 1 && t(`rule.side.${rule.sides[0]}`),
    symbols && t("rule.of_symbols", { symbols }),
    rule.sources.length > 0 && t("rule.from_sources", { sources: rule.sources.map((source) => t(`held_source.${source}`)).join(", ") }),
    rule.min_value !== null && t("rule.from_value", { value: formatMoney(rule.min_value) }),
  ].filter(Boolean);
  const which = clauses.length ? t("rule.orders", { which: clauses.join(t("rule.and")) }) : t("rule.every_order");
  const time = t("rule.wait", { time: duration(rule.expires_seconds ?? boot.approval_seconds) });
  const drift = rule.max_drift_percent === null ? "" : t("rule.drift", { percent: Number(rule.max_drift_percent) });
  return t("rule.whole", { which, time, drift });
}
