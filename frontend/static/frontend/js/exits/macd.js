// The MACD rule on instruments of the account: set it, switch it on and off, see what it judged last.
import { ApiError, get, put } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { drawNamed, nameOf } from "../desk/names.js";
import { symbolCell } from "../lib/symbols.js";
import { formatMoney, formatStamp, NONE } from "../lib/format.js";
import { attempt } from "../lib/refusal.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

const EVERY_MS = 10_000;

export class MacdRules {
  #account = null;
  #form = byId("macd-form");
  #table = new KeyedTable(
    byId("macd-rules"),
    [
      { className: "card-title", fill: symbolCell },
      { text: ({ period }) => t(`macd_period.${period}`) },
      { className: "num", text: ({ amount }) => formatMoney(amount) },
      { fill: (cell, rule) => this.#state(cell, rule) },
      { className: "tabular", text: ({ judged_bar: at }) => (at === null ? t("macd.not_judged") : formatStamp(at)) },
      { className: "tabular", text: ({ entered_on: entered, exited_on: exited }) => `${entered ?? NONE} / ${exited ?? NONE}` },
      { text: ({ user }) => user },
      { className: "card-acts", fill: (cell, rule) => this.#acts(cell, rule) },
    ],
    { empty: byId("macd-empty") },
  );

  constructor() {
    const [least, most] = boot.macd_amount;
    setText(byId("macd-range"), t("range.between", { least: formatMoney(least), most: formatMoney(most) }));
    this.#form.addEventListener("submit", (event) => this.#set(event));
    setInterval(() => this.#account && !document.hidden && this.refresh(), EVERY_MS);
  }

  show(account) {
    this.#account = account;
    byId("macd-set").disabled = !account.can_trade;
    this.#table.wait();
    this.refresh();
  }

  async refresh() {
    const account = this.#account;
    try {
      const { body } = await get(`macd-rules?account=${account.id}`);
      if (account !== this.#account) return;
      drawNamed(
        this.#table,
        body.results.map(({ symbol }) => symbol),
        () => account === this.#account && this.#table.render(body.results.map((rule) => ({ ...rule, name: nameOf(rule.symbol), key: `${account.id}.${rule.symbol}` }))),
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (account === this.#account) this.#table.fail(error, () => this.refresh()); // what is shown stays; the next round comes
    }
  }

  async #set(event) {
    event.preventDefault();
    const { symbol, period, amount } = this.#form.elements;
    const wish = { account: this.#account.id, symbol: symbol.value.trim().toUpperCase(), period: period.value, amount: amount.value.trim() || null, enabled: true };
    const done = await attempt(byId("macd-set"), byId("macd-error"), () => put("macd-rules", wish));
    byId("macd-set").disabled = !this.#account.can_trade;
    if (!done) return;
    toast(t("macd.started"), wish.symbol);
    this.#form.reset();
    this.refresh();
  }

  #state(cell, { enabled }) {
    if (!cell.firstElementChild) cell.append(element("span"));
    const badge = cell.firstElementChild;
    badge.className = `badge ${enabled ? "badge-active" : ""}`;
    badge.dataset.macd = enabled ? "on" : "off";
    setText(badge, t(enabled ? "plans.on" : "plans.off"));
  }

  #acts(cell, rule) {
    const wanted = this.#account.can_trade ? (rule.enabled ? "stop" : "start") : "";
    if (cell.dataset.act === wanted) return; // the same button stays: no lost focus
    cell.dataset.act = wanted;
    cell.replaceChildren();
    if (!wanted) return;
    const text = t(`macd.${wanted}`);
    const button = element("button", { type: "button", className: "button button-small", dataset: { act: wanted }, textContent: text, "aria-label": t("macd.act_of", { act: text, symbol: rule.symbol }) });
    button.addEventListener("click", () => this.#switch(button, rule.symbol, wanted === "start"));
    cell.append(button);
  }

  async #switch(button, symbol, enabled) {
    await attempt(button, byId("macd-error"), () => put("macd-rules", { account: this.#account.id, symbol, enabled }));
    this.refresh();
  }
}
