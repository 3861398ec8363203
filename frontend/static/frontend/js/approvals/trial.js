// Would this order wait? The rules are asked without placing anything.
import { post } from "../lib/api.js";
import { byId, element } from "../lib/dom.js";
import { formatMoney, NONE } from "../lib/format.js";
import { attempt } from "../lib/refusal.js";
import { t } from "../lib/text.js";
import { duration } from "./sentence.js";

export class RuleTrial {
  #form = byId("rule-trial");

  constructor() {
    this.#form.elements.price_type.addEventListener("change", () => this.#fit());
    this.#form.addEventListener("submit", (event) => this.#ask(event));
    this.#fit();
  }

  #fit() {
    const { price, price_type: type } = this.#form.elements;
    price.disabled = type.value === "LATEST";
    if (price.disabled) price.value = "";
  }

  async #ask(event) {
    event.preventDefault();
    const { account, maker, source, symbol, side, quantity, price_type: type, price, strategy } = this.#form.elements;
    const text = quantity.value.trim();
    const wish = {
      account: Number(account.value),
      maker: maker.value,
      source: source.value,
      symbol: symbol.value.trim().toUpperCase(),
      side: side.value,
      quantity: /^\d{1,12}$/.test(text) ? Number(text) : text,
      price_type: type.value,
      price: price.value.trim() || null,
      ...(strategy.value.trim() ? { strategy: strategy.value.trim() } : {}),
    };
    byId("trial-result").replaceChildren();
    await attempt(byId("trial-submit"), byId("trial-error"), async () => this.#draw((await post("approval-rules/trial", wish)).body));
  }

  #draw({ waits, value, rules, expires_seconds: seconds, max_drift_percent: drift, approvers }) {
    const badge = element("span", { className: `badge ${waits ? "badge-warn" : "badge-active"}`, dataset: { waits: String(waits) }, textContent: t(waits ? "trial.waits" : "trial.goes") });
    const parts = [element("p", { className: "verdict-line" }, badge, ` ${t("trial.value", { value: value === null ? NONE : formatMoney(value) })}`)];
    if (waits) {
      parts.push(element("p", { textContent: t("trial.rules", { rules: rules.map(({ id, note }) => (note ? `#${id} (${note})` : `#${id}`)).join(", "), time: duration(seconds) }) }));
      if (drift !== null) parts.push(element("p", { textContent: t("trial.drift", { percent: Number(drift) }) }));
      parts.push(element("p", { className: approvers.length ? "" : "warn", textContent: approvers.length ? t("trial.approvers", { people: approvers.join(", ") }) : t("trial.nobody") }));
    }
    byId("trial-result").replaceChildren(...parts);
  }
}
