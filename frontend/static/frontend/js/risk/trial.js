// What if: an order judged by the server without being placed.
import { post } from "../lib/api.js";
import { boot, byId, element, setText } from "../lib/dom.js";
import { formatMoney } from "../lib/format.js";
import { attempt } from "../lib/refusal.js";
import { t } from "../lib/text.js";
import { costItems, denialItems, passedItems, passedWords } from "../desk/verdicts.js";

export class Trial {
  #form = byId("trial-form");
  #account = null;

  constructor() {
    byId("trial-type").append(...boot.price_types.map((type) => element("option", { value: type, textContent: t(`price_type.${type}`) })));
    this.#form.addEventListener("submit", (event) => this.#judge(event));
  }

  show(account) {
    this.#account = account;
    byId("trial-forbidden").hidden = account.can_trade;
    byId("trial-submit").disabled = !account.can_trade;
    byId("trial-result").replaceChildren();
  }

  async #judge(event) {
    event.preventDefault();
    const { symbol, side, price_type: type, price, quantity, strategy } = this.#form.elements;
    const text = quantity.value.trim();
    const wish = {
      account: this.#account.id,
      symbol: symbol.value.trim(),
      side: side.value,
      price_type: type.value,
      price: price.value.trim() || null,
      // What is not a whole number goes to the server as typed: its refusal names the field.
      quantity: /^\d{1,12}$/.test(text) ? Number(text) : text,
      ...(strategy.value.trim() ? { strategy: strategy.value.trim() } : {}),
    };
    byId("trial-result").replaceChildren();
    await attempt(byId("trial-submit"), byId("trial-error"), async () => {
      const { body } = await post("orders/check", wish);
      this.#draw(body);
    });
    byId("trial-submit").disabled = !this.#account.can_trade;
  }

  #draw({ accepted, approval, checks, cost, clamped_from: clamped, price }) {
    const verdict = element("span", { className: `badge ${accepted ? "badge-active" : "badge-warn"}`, dataset: { accepted: String(accepted) } });
    setText(verdict, t(accepted ? "verdict.accepted" : "verdict.denied"));
    const parts = [element("p", { className: "verdict-line" }, verdict, ...(clamped === null ? [] : [t("verdict.clamped", { price: formatMoney(price) })]))];
    if (approval !== null) parts.push(element("p", { className: "hint", textContent: t("verdict.waits") }));
    if (!accepted) parts.push(element("ul", { className: "denials" }, ...denialItems(checks)));
    if (cost !== null) parts.push(element("dl", { className: "cost" }, ...costItems(cost)));
    parts.push(element("details", {}, element("summary", { textContent: passedWords(checks) }), element("ul", { className: "passed" }, ...passedItems(checks))));
    byId("trial-result").replaceChildren(...parts);
  }
}
