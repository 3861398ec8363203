// The dialog in which somebody decides about a transfer. Passwords live in its fields while it is open, and nowhere else.
import { explain, post } from "../lib/api.js";
import { byId, setText, toast } from "../lib/dom.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { t } from "../lib/text.js";
import { facts, wording } from "./words.js";

const SAID = { approve: "approved", refuse: "refused", resolve: "resolved", cancel: "cancelled" };

export class Decision {
  #dialog = byId("transfer-dialog");
  #form = byId("transfer-decision");
  #refusal = byId("transfer-refusal");
  #asked = null;

  /** @param {(transfer: object) => void} decided  with the transfer as it stands afterwards */
  constructor(decided) {
    this.decided = decided;
    this.#form.addEventListener("submit", (event) => this.#send(event));
    byId("transfer-back").addEventListener("click", () => this.#dialog.close());
    // However it closes (Escape too), nothing typed stays.
    this.#dialog.addEventListener("close", () => this.#form.reset());
  }

  get id() {
    return this.#dialog.open ? this.#asked.transfer.id : null;
  }

  open(act, transfer, accountName) {
    this.#asked = { act, transfer };
    this.#form.reset();
    showRefusal(this.#refusal);
    setText(byId("transfer-dialog-title"), t(`transfer.ask.${act}`));
    setText(byId("transfer-dialog-what"), wording(transfer));
    byId("transfer-dialog-facts").replaceChildren(...facts(transfer, accountName));
    for (const part of this.#form.querySelectorAll("[data-act]")) part.hidden = !part.dataset.act.split(" ").includes(act);
    setText(byId("transfer-send"), t(`transfer.act.${act}`));
    this.#dialog.showModal();
  }

  close() {
    this.#dialog.close();
  }

  #body(act) {
    const { bank_password: bank, fund_password: fund, reason, moved, entered } = this.#form.elements;
    if (act === "approve") return { bank_password: bank.value, fund_password: fund.value };
    if (act === "refuse") return { reason: reason.value.trim() };
    if (act === "resolve") return { moved: moved.value === "" ? null : moved.value === "true", note: reason.value.trim(), entered: entered.checked };
    return undefined;
  }

  async #send(event) {
    event.preventDefault();
    const { act, transfer } = this.#asked;
    let answer = null;
    const done = await attempt(byId("transfer-send"), this.#refusal, async () => {
      answer = (await post(`transfers/${transfer.id}/${act}`, this.#body(act))).body;
    });
    if (!done) return;
    this.#dialog.close();
    if (answer.status === "FAILED") toast(t("transfer.failed"), explain(answer.code) || answer.message, { bad: true });
    else toast(t(`transfer.${SAID[act]}`), wording(transfer));
    this.decided(answer);
  }
}
