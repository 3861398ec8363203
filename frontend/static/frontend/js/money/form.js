// Asking for a transfer. While it is filled in the server says what would be denied; one key names one transfer for ever.
import { ApiError, explain, post } from "../lib/api.js";
import { boot, byId, element, toast } from "../lib/dom.js";
import { formatMoney } from "../lib/format.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { t } from "../lib/text.js";
import { wording } from "./words.js";

const PAUSE_MS = 250;
const AMOUNT = /^\d{1,10}(\.\d{1,2})?$/;

export class TransferForm {
  #form = byId("transfer-form");
  #verdict = byId("transfer-verdict");
  #error = byId("transfer-error");
  #attempt = null; // {fingerprint, key}
  #timer = null;
  #turn = 0;

  /** @param {(transfer: object) => void} asked  with the transfer that waits now */
  constructor(asked) {
    this.asked = asked;
    this.#form.addEventListener("submit", (event) => this.#send(event));
    const { account, kind, amount } = this.#form.elements;
    for (const field of [account, kind]) field.addEventListener("change", () => this.#changed());
    amount.addEventListener("input", () => this.#changed());
    account.addEventListener("change", () => this.#forgetBank());
    byId("transfer-banks").addEventListener("click", ({ currentTarget }) => this.#banks(currentTarget));
    this.#changed();
  }

  get #account() {
    return boot.accounts.find(({ id }) => id === Number(this.#form.elements.account.value));
  }

  get #withBank() {
    return boot.bank_kinds.includes(this.#form.elements.kind.value);
  }

  /** What is typed, as the server takes it. */
  #wish() {
    const { account, kind, amount, bank_no: bank, bank_account: number, note } = this.#form.elements;
    return {
      account: Number(account.value),
      kind: kind.value,
      amount: amount.value.trim().replaceAll(",", ""),
      ...(this.#withBank ? { bank_no: bank.value.trim(), bank_account: number.value.trim() } : {}),
      note: note.value.trim(),
    };
  }

  #changed() {
    for (const node of this.#form.querySelectorAll("[data-bank]")) node.hidden = !this.#withBank;
    // The simulated terminal has one bank and no nodes.
    for (const option of this.#form.elements.kind.options) option.disabled = this.#account.simulated && !boot.bank_kinds.includes(option.value);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.judge(), PAUSE_MS);
  }

  #forgetBank() {
    for (const name of ["bank_no", "bank_account"]) this.#form.elements[name].value = "";
  }

  /** Say what the server would deny of it as it stands. */
  async judge() {
    const turn = (this.#turn += 1);
    const { account, kind, amount } = this.#wish();
    if (!AMOUNT.test(amount)) {
      this.#verdict.replaceChildren(...(amount ? [element("p", { className: "hint", textContent: t("transfer.incomplete") })] : []));
      return;
    }
    try {
      const { body } = await post("transfers/check", { account, kind, amount });
      if (turn === this.#turn) this.#draw(body);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#turn) this.#verdict.replaceChildren(element("p", {}, element("span", { className: "badge badge-warn", dataset: { code: error.code }, textContent: t("transfer.denied") }), error.text));
    }
  }

  #draw({ accepted, denials, kind, free_cash: free }) {
    const badge = element("span", { className: `badge ${accepted ? "badge-active" : "badge-warn"}`, dataset: { accepted: String(accepted) }, textContent: t(accepted ? "transfer.accepted" : "transfer.denied") });
    const words = free === null || kind !== "BANK_OUT" ? [] : [element("span", { className: "hint tabular", textContent: t("transfer.free", { amount: formatMoney(free) }) })];
    const list = denials.map(({ code, details }) => element("li", { dataset: { code }, textContent: explain(code, details) || code }));
    this.#verdict.replaceChildren(element("p", {}, badge, ...words), ...(list.length ? [element("ul", { className: "denials" }, ...list)] : []));
  }

  /** The bank that the terminal names for the account. */
  async #banks(button) {
    await attempt(button, this.#error, async () => {
      const { body } = await post("qmt/functions/xttrader.query_bank_info", { arguments: { account: this.#account.id } });
      const [bank] = body.result ?? [];
      if (!bank) toast(t("transfer.banks_none"), "", { bad: true });
      else for (const name of ["bank_no", "bank_account"]) this.#form.elements[name].value = bank[name];
    });
  }

  async #send(event) {
    event.preventDefault();
    const wish = this.#wish();
    const fingerprint = JSON.stringify(wish);
    if (this.#attempt?.fingerprint !== fingerprint) this.#attempt = { fingerprint, key: crypto.randomUUID() };
    this.#turn += 1; // a verdict that is under way is about what was asked for now
    const button = byId("transfer-submit");
    button.disabled = true;
    showRefusal(this.#error);
    try {
      const { status, body } = await post("transfers", { ...wish, client_transfer_id: this.#attempt.key });
      this.#attempt = null;
      for (const name of ["amount", "note"]) this.#form.elements[name].value = "";
      this.judge();
      toast(t(status === 201 ? "transfer.asked" : "transfer.known"), wording(body));
      this.asked(body);
    } catch (error) {
      showRefusal(this.#error, error);
      // Without an answer it may exist: the same key on the next press can never make a second one.
      if (error.status === 0) this.#error.append(" ", t("transfer.lost"));
    } finally {
      button.disabled = false;
    }
  }
}
