// Exit plans, and the editor of one with every number's range and its history.
import { ApiError, get, put } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { drawNamed, nameAndCode } from "../desk/names.js";
import { formatPercent, formatStamp } from "../lib/format.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { termFields, termsOf } from "./terms.js";

const percent = (text) => formatPercent(Number(text)).replace("+", "");

function subject({ strategy, symbol }) {
  if (symbol) return [nameAndCode(symbol), strategy && t("plans.strategy", { name: strategy })].filter(Boolean).join(" · ");
  return strategy ? t("plans.strategy", { name: strategy }) : t("plans.whole_account");
}

function rules({ terms }) {
  const words = [
    terms.stop_loss && t("plans.stop_loss", { percent: percent(terms.stop_loss_drop) }),
    terms.first_take_profit && t("plans.first", { percent: percent(terms.first_gain) }),
    terms.trailing && t("plans.trailing"),
    terms.add && t("plans.add", { percent: percent(terms.add_drop_from) }),
  ];
  return words.filter(Boolean).join(" · ") || t("plans.nothing");
}

export class Plans {
  #account = null;
  #editor;
  #table = new KeyedTable(
    byId("plans"),
    [
      { className: "card-title", text: subject },
      { className: "wrap card-wide", text: rules },
      { text: ({ enabled }) => t(enabled ? "plans.on" : "plans.off") },
      { className: "tabular", text: ({ changed_at: at, user }) => `${formatStamp(at)} · ${t("plans.by", { who: user })}` },
      { className: "card-acts", fill: (cell, plan) => this.#edit(cell, plan) },
    ],
    { empty: byId("plans-empty") },
  );

  /** @param {() => void} changed  called after a plan was saved */
  constructor(changed) {
    this.#editor = new Editor(() => {
      this.refresh();
      changed();
    });
    byId("plan-new").addEventListener("click", () => this.#editor.open(this.#account, null));
  }

  show(account) {
    this.#account = account;
    byId("plan-new").disabled = !account.can_trade;
    this.#table.wait();
    this.refresh();
  }

  async refresh() {
    const account = this.#account;
    try {
      const { body } = await get(`exit-plans?account=${account.id}`);
      if (account !== this.#account) return;
      drawNamed(
        this.#table,
        body.results.map(({ symbol }) => symbol),
        () => account === this.#account && this.#table.render(body.results.map((plan) => ({ ...plan, key: `${plan.id}.${plan.version}` }))),
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (account === this.#account) this.#table.fail(error, () => this.refresh());
    }
  }

  #edit(cell, plan) {
    cell.parentElement?.classList.toggle("off", !plan.enabled);
    if (cell.firstElementChild) return;
    const button = element("button", { type: "button", className: "button button-small", textContent: t("plans.edit"), disabled: !this.#account.can_trade, "aria-label": t("plans.edit_of", { what: subject(plan) }) });
    button.addEventListener("click", () => this.#editor.open(this.#account, plan));
    cell.append(button);
  }
}

class Editor {
  #dialog = byId("plan-dialog");
  #form = byId("plan-form");
  #account = null;
  #plan = null;

  constructor(saved) {
    this.saved = saved;
    this.#form.addEventListener("submit", (event) => this.#save(event));
    this.#form.querySelector("[data-close]").addEventListener("click", () => this.#dialog.close());
  }

  get #error() {
    return this.#form.querySelector(".form-error");
  }

  async open(account, plan) {
    this.#account = account;
    this.#plan = plan;
    this.#form.reset();
    showRefusal(this.#error);
    setText(byId("plan-dialog-title"), plan === null ? t("plans.new") : subject(plan));
    byId("plan-what").hidden = plan !== null;
    byId("plan-history").hidden = true;
    this.#form.elements.enabled.checked = plan?.enabled ?? true;
    byId("plan-terms").replaceChildren(...termFields(plan?.terms ?? boot.terms));
    this.#dialog.showModal();
    if (plan !== null) await this.#history(plan);
  }

  async #save(event) {
    event.preventDefault();
    const { strategy, symbol, enabled } = this.#form.elements;
    const plan = this.#plan;
    const wish = {
      account: this.#account.id,
      strategy: plan?.strategy ?? strategy.value.trim(),
      symbol: plan?.symbol ?? symbol.value.trim(),
      enabled: enabled.checked,
      terms: termsOf(this.#form),
      version: plan?.version ?? 0,
    };
    const done = await attempt(this.#form.querySelector("[type=submit]"), this.#error, () => put("exit-plans", wish));
    if (!done) return;
    this.#dialog.close();
    toast(t("plans.saved"));
    this.saved();
  }

  async #history(plan) {
    const { body } = await get(`exit-plans/${plan.id}/versions`).catch(() => ({ body: null }));
    if (body === null || this.#plan !== plan) return;
    const lines = body.results.map(({ version, at, user, enabled, terms }) =>
      element("li", {}, element("div", { textContent: t("plans.version", { version, when: formatStamp(at), who: user }) }), element("span", { className: "muted", textContent: `${t(enabled ? "plans.on" : "plans.off")} · ${rules({ terms })}` })),
    );
    byId("plan-history").hidden = lines.length === 0;
    byId("plan-history").querySelector("ol").replaceChildren(...lines);
  }
}
