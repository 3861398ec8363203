// The five-level quote: asks above bids, best prices in the middle.
import { element, setText } from "../lib/dom.js";
import { formatLots, formatPrice, NONE, number, tickDigits } from "../lib/format.js";
import { t } from "../lib/text.js";

const LEVELS = 5;

export class Ladder {
  /** @param {HTMLElement} box @param {{pick?: boolean}} options  whether a level is a button that carries its price */
  constructor(box, { pick = false } = {}) {
    this.box = box;
    this.pick = pick;
  }

  /** Show a quote of the instrument with these facts; without one, say so, or `words`. */
  draw(quote, facts, words = t(facts ? "ladder.none" : "ladder.choose")) {
    if (!quote?.ask || !quote?.bid) {
      this.box.replaceChildren(element("p", { className: "empty", textContent: words }));
      return;
    }
    if (this.box.children.length !== 2 * LEVELS + 1) {
      const rows = () => Array.from({ length: LEVELS }, () => this.#row());
      this.box.replaceChildren(...rows(), element("hr"), ...rows());
      this.box.dataset.unit = t("ladder.unit");
    }
    for (let level = LEVELS - 1; level >= 0; level -= 1) {
      this.#fill(this.box.children[LEVELS - 1 - level], t("ladder.ask", { level: level + 1 }), quote.ask[level], quote.askv?.[level], quote, facts);
      this.#fill(this.box.children[LEVELS + 1 + level], t("ladder.bid", { level: level + 1 }), quote.bid[level], quote.bidv?.[level], quote, facts);
    }
  }

  #row() {
    const parts = [element("span"), element("span"), element("span")];
    return this.pick ? element("button", { type: "button", tabindex: "-1" }, ...parts) : element("div", { className: "level" }, ...parts);
  }

  #fill(row, label, price, volume, quote, facts) {
    const some = number(price) > 0;
    const text = some ? formatPrice(price, tickDigits(facts?.tick)) : "";
    const previous = number(quote.pre_close);
    if (this.pick) row.dataset.price = text;
    setText(row.children[0], label);
    setText(row.children[1], text || NONE);
    row.children[1].className = !some ? "muted" : number(price) > previous ? "up" : number(price) < previous ? "down" : "";
    setText(row.children[2], some ? formatLots(volume, facts?.volume_unit ?? 100) : NONE);
  }
}
