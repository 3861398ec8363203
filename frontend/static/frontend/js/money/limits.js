// How much of each account's money may be moved, and what today has used; officers change it.
import { ApiError, get, put } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatMoney, formatStamp } from "../lib/format.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

export class MoneyLimits {
  #dialog = byId("money-limit-dialog"); // officers only
  #form = byId("money-limit-form");
  #row = null;
  #rows = new Map();
  #table = new KeyedTable(byId("money-limits"), [
    { text: ({ name }) => name },
    { className: "num", text: ({ single_amount: amount }) => formatMoney(amount) },
    { className: "num", text: ({ day_amount: amount }) => formatMoney(amount) },
    { className: "num", text: ({ used_today: amount }) => formatMoney(amount) },
    { text: ({ set_by: who, set_at: when }) => (who ? t("transfer.limit_set", { who, when: formatStamp(when) }) : t("transfer.limit_unset")) },
    ...(boot.officer ? [{ fill: (cell, row) => this.#change(cell, row) }] : []),
  ]);

  constructor() {
    this.#form?.addEventListener("submit", (event) => this.#save(event));
    this.#form?.querySelector("[data-close]").addEventListener("click", () => this.#dialog.close());
  }

  async refresh() {
    try {
      const { body } = await get("money-limits");
      showRefusal(byId("money-limits-error"));
      const stored = new Map(body.results.map((row) => [row.account, row]));
      this.#table.render(boot.accounts.map(({ id, name, account_no: number }) => ({ ...stored.get(id), account: id, key: String(id), name: `${name} · ${number}` })));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      showRefusal(byId("money-limits-error"), error);
    }
  }

  #change(cell, row) {
    this.#rows.set(row.account, row);
    if (cell.firstElementChild) return;
    const button = element("button", { type: "button", className: "button button-small", textContent: t("transfer.limit_change"), "aria-label": t("transfer.limit_of", { account: row.name }) });
    button.addEventListener("click", () => this.#open(this.#rows.get(row.account)));
    cell.append(button);
  }

  #open(row) {
    this.#row = row;
    this.#form.reset();
    for (const name of ["single_amount", "day_amount"]) this.#form.elements[name].value = row[name] ?? "";
    showRefusal(this.#form.querySelector(".form-error"));
    setText(byId("money-limit-title"), t("transfer.limit_of", { account: row.name }));
    this.#dialog.showModal();
  }

  async #save(event) {
    event.preventDefault();
    const { single_amount: single, day_amount: day } = this.#form.elements;
    const body = { single_amount: single.value.trim().replaceAll(",", ""), day_amount: day.value.trim().replaceAll(",", "") };
    const done = await attempt(this.#form.querySelector("[type=submit]"), this.#form.querySelector(".form-error"), () => put(`money-limits/${this.#row.account}`, body));
    if (!done) return;
    this.#dialog.close();
    toast(t("transfer.limit_saved"));
    this.refresh();
  }
}
