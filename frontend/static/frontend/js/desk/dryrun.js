// The ticket's live verdict: what the server would say to the order as it stands, asked after a short pause.
import { ApiError, post } from "../lib/api.js";
import { byId, element, setText } from "../lib/dom.js";
import { formatMoney } from "../lib/format.js";
import { t } from "../lib/text.js";
import { denialItems } from "./verdicts.js";

const PAUSE_MS = 400;

/** Judge an order without placing it. */
export async function judge(order) {
  const { body } = await post("orders/check", order);
  return body;
}

export class DryRun {
  #box = byId("ticket-verdict");
  #shown = "";
  #timer = null;
  #turn = 0;

  /** Judge `order` when nothing has changed for a moment; null shows nothing. */
  later(order) {
    clearTimeout(this.#timer);
    const turn = (this.#turn += 1); // what is still under way is about another order
    if (order === null) {
      this.#cost(null);
      this.#show("");
      return;
    }
    this.#judging(true);
    this.#timer = setTimeout(() => this.#ask(order, turn), PAUSE_MS);
  }

  async #ask(order, turn) {
    try {
      const verdict = await judge(order);
      if (turn === this.#turn) this.#draw(verdict);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#turn) this.#show(error.text, element("p", { className: "hint", textContent: error.text }));
    }
  }

  #draw({ accepted, approval, checks, cost }) {
    this.#cost(cost);
    const word = approval === null ? "ticket.ready" : "verdict.waits";
    if (accepted) this.#show(word, element("p", { className: "hint", dataset: { accepted: "true" }, textContent: t(word) }));
    else this.#show(JSON.stringify(checks), element("ul", { className: "denials", dataset: { accepted: "false" } }, ...denialItems(checks)));
  }

  /** The same verdict again is not announced again. */
  #show(what, ...nodes) {
    this.#judging(false);
    if (what === this.#shown) return;
    this.#shown = what;
    this.#box.replaceChildren(...nodes);
  }

  /** Mark what is shown as being about the order before. */
  #judging(on) {
    for (const node of [this.#box, byId("ticket-fees"), byId("ticket-total")]) node.classList.toggle("judging", on);
  }

  #cost(cost) {
    setText(byId("ticket-fees"), cost === null ? "—" : formatMoney(cost.fees));
    setText(byId("ticket-total"), cost === null ? "—" : formatMoney(cost.total));
  }
}
