// Whether programs place orders on the account, and the switch for it.
import { get, post } from "../lib/api.js";
import { byId, setText } from "../lib/dom.js";
import { socket } from "../lib/live.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { t } from "../lib/text.js";

export class Automatic {
  #account = null;
  #button = byId("automatic-switch");

  constructor() {
    this.#button.addEventListener("click", () => this.#switch());
    socket.addEventListener("account", ({ detail }) => detail.data.id === this.#account?.id && this.#is(detail.data.auto_trading));
  }

  show(account) {
    this.#account = account;
    showRefusal(byId("automatic-error"));
    this.#is(account.auto_trading);
  }

  /** After a loss of the connection it may be otherwise. */
  async refresh() {
    const account = this.#account;
    const { body } = await get(`accounts/${account.id}`).catch(() => ({ body: null }));
    if (body !== null && account === this.#account) this.#is(body.auto_trading);
  }

  #is(on) {
    const account = this.#account;
    account.auto_trading = on;
    byId("automatic").parentElement.classList.toggle("notice-good", on);
    setText(byId("automatic"), t(on ? "exits.automatic" : "exits.manual"));
    this.#button.hidden = !(on ? account.can_halt : account.can_resume);
    setText(this.#button, t(on ? "exits.switch_off" : "exits.switch_on"));
  }

  async #switch() {
    await attempt(this.#button, byId("automatic-error"), async () => {
      const { body } = await post(`accounts/${this.#account.id}/auto-trading`, { enabled: !this.#account.auto_trading });
      this.#is(body.auto_trading);
    });
  }
}
