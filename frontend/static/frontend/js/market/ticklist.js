// The ticks of the day in one instrument, newest first: those that were captured, then those that come.
import { ApiError, get } from "../lib/api.js";
import { byId, element } from "../lib/dom.js";
import { formatLots, formatPrice, formatTime, number, tickDigits } from "../lib/format.js";
import { t } from "../lib/text.js";

const MOST = 60;
const FIELDS = "last,volume,bid1,ask1";

export class TickList {
  #last = null; // {ts, volume, last, bid, ask} of the newest snapshot
  #rows = byId("ticks").tBodies[0];

  constructor(quotes, facts) {
    this.facts = facts;
    quotes.addEventListener("change", ({ detail }) => {
      if (!detail.has(facts.symbol)) return;
      const { ts, last, volume, bid, ask } = quotes.get(facts.symbol);
      this.#take({ ts, last: number(last), volume: number(volume), bid: number(bid?.[0]), ask: number(ask?.[0]) });
    });
  }

  /** Read what was captured of the day: of instruments that somebody subscribed to. */
  async load() {
    const query = new URLSearchParams({ symbols: this.facts.symbol, count: String(MOST + 1), fields: FIELDS, wait: "0" });
    try {
      const { body } = await get(`ticks?${query}`);
      const since = this.#last?.ts ?? Infinity;
      const kept = (body.rows ?? []).filter(({ time }) => time < since).map(({ time: ts, last, volume, bid1: bid, ask1: ask }) => ({ ts, last, volume, bid, ask }));
      const live = [...this.#rows.children];
      this.#rows.replaceChildren();
      const newest = this.#last;
      this.#last = null;
      for (const tick of kept) this.#take(tick);
      this.#last = newest ?? this.#last;
      this.#rows.prepend(...live);
      this.#trim();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the live ones are shown all the same
    }
  }

  #take(tick) {
    const before = this.#last;
    this.#last = tick;
    if (before === null || tick.ts < before.ts || tick.volume <= before.volume) return; // nothing was traded
    // Who took the other's price: above the middle of the book before it, a buyer.
    const middle = (before.bid + before.ask) / 2;
    const side = before.bid > 0 && before.ask > 0 && tick.last !== middle ? (tick.last > middle ? "up" : "down") : "";
    const cells = [
      element("td", { className: "tabular", textContent: formatTime(tick.ts) }),
      element("td", { className: `num ${side}`, textContent: formatPrice(tick.last, tickDigits(this.facts.tick)) }),
      element("td", { className: "num", textContent: formatLots(tick.volume - before.volume, this.facts.volume_unit) }),
      element("td", { className: side, textContent: side && t(`ticks.${side}`) }),
    ];
    this.#rows.prepend(element("tr", {}, ...cells));
    this.#trim();
  }

  #trim() {
    while (this.#rows.children.length > MOST) this.#rows.lastElementChild.remove();
    byId("ticks-empty").hidden = this.#rows.children.length > 0;
  }
}
