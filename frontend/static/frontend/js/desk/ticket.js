// The order ticket. It only proposes: the server validates, reserves and decides, and its own codes are shown.
import { ApiError, explain, get, post } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatMoney, formatPrice, formatQuantity, number, tickDigits } from "../lib/format.js";
import { t } from "../lib/text.js";
import { confirmed } from "./confirmation.js";
import { DryRun, judge } from "./dryrun.js";
import { instrument } from "./instruments.js";
import { Ladder } from "./ladder.js";
import { InstrumentPicker } from "./picker.js";

export class Ticket {
  #form = byId("ticket");
  #facts = null;
  #touchedPrice = false;
  #dryRun = new DryRun();
  #ladder = new Ladder(byId("ladder"), { pick: true });
  #busy = false;
  #turn = 0; // counts the instruments that were asked for: only the last one's facts count
  #attempt = null; // {fingerprint, key, sent}: one key names one order for ever, a changed order gets another

  constructor(book, quotes, { account, onOpen }) {
    this.book = book;
    this.quotes = quotes;
    this.account = account;
    this.onOpen = onOpen;
    this.picker = new InstrumentPicker(byId("ticket-symbol"), byId("ticket-options"), onOpen);
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#form.addEventListener("input", (event) => this.#edited(event));
    for (const button of this.#form.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => this.#step(button.dataset.step, Number(button.dataset.by)));
    }
    for (const name of ["price", "quantity"]) {
      this.#form.elements[name].addEventListener("keydown", (event) => {
        const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (!by) return;
        event.preventDefault();
        this.#step(name, by);
      });
    }
    for (const button of this.#form.querySelectorAll("[data-fraction]")) {
      button.addEventListener("click", () => this.#part(Number(button.dataset.fraction)));
    }
    for (const box of [byId("ladder"), byId("ticket-limits")]) {
      box.addEventListener("click", (event) => {
        const price = event.target.closest("button")?.dataset.price;
        if (price && this.#priced) this.#setPrice(price);
      });
    }
    byId("ticket-amount").addEventListener("input", (event) => this.#forAmount(event.target));
    quotes.addEventListener("change", ({ detail }) => this.#facts && detail.has(this.#facts.symbol) && this.#quoted());
    for (const part of ["asset", "positions"]) book.addEventListener(part, () => this.#drawPossible());
    this.rights();
    this.#drawLadder();
  }

  /** Follow the chosen account: without the right to trade the ticket says so. */
  rights() {
    const allowed = this.account()?.can_trade ?? false;
    byId("ticket-rights").hidden = allowed;
    byId("ticket-submit").disabled = !allowed;
  }

  /** Fill in another instrument. True once it stands there; false when it could not, or another was asked for meanwhile. */
  async show(symbol) {
    const turn = (this.#turn += 1);
    this.quotes.want("ticket", [symbol]);
    this.picker.set(symbol);
    // An order never goes by the facts of another instrument than the one that the field names.
    if (this.#facts?.symbol !== symbol) this.#forget(t("panel.loading"));
    let facts = null;
    try {
      facts = await instrument(symbol);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn !== this.#turn) return false;
      this.#forget();
      this.#say(error.text);
      return false;
    }
    if (turn !== this.#turn) return false;
    this.#facts = facts;
    this.#touchedPrice = false;
    this.#form.elements.price.value = "";
    this.#setQuantity(this.#minimum);
    this.#say("");
    this.#offerTypes();
    this.#drawLimits();
    this.#quoted();
    this.#judgeLater();
    return true;
  }

  /** Fill in an order on another instrument: which side, how many. The person looks at it and sends it. */
  async fill(symbol, side, quantity) {
    if (!(await this.show(symbol))) return;
    this.#form.elements.side.value = side;
    this.#setQuantity(quantity);
    this.#quoted();
    this.#judgeLater();
    this.#form.elements.quantity.focus();
  }

  /** No instrument is filled in; `words` say why in the place of its quote. */
  #forget(words) {
    this.#facts = null;
    this.#dryRun.later(null);
    this.#ladder.draw(null, null, words);
    this.#drawLimits();
    this.#drawValue();
    setText(byId("ticket-possible"), "");
  }

  /** The day's limits, as buttons that put them into the price. */
  #drawLimits() {
    const { limit_down: low, limit_up: high } = this.#facts ?? {};
    const limit = (key, price) => element("button", { type: "button", className: "button button-quiet button-small", dataset: { price: formatPrice(price, this.#digits) }, textContent: t(key, { price: formatPrice(price, this.#digits) }) });
    byId("ticket-limits").replaceChildren(...(low && high ? [limit("ticket.limit_down", low), limit("ticket.limit_up", high)] : []));
  }

  /** The whole lots that this much money buys, or that it is worth. */
  #forAmount(input) {
    const lot = this.#facts?.quantity_step ?? this.#facts?.lot_size ?? 100;
    const shares = Math.floor(number(input.value.replaceAll(",", "")) / this.#each / lot) * lot;
    if (!this.#facts || !Number.isFinite(shares)) return;
    this.#form.elements.quantity.value = String(shares < this.#minimum ? 0 : shares);
    this.#drawValue();
    this.#judgeLater();
  }

  get #digits() {
    return tickDigits(this.#facts?.tick);
  }

  get #minimum() {
    return this.#facts?.min_quantity ?? this.#facts?.lot_size ?? 100;
  }

  get #side() {
    return this.#form.elements.side.value;
  }

  get #type() {
    return this.#form.elements.price_type.value;
  }

  /** Whether the price field counts: a limit, or the protection limit that some boards ask of market kinds. */
  get #priced() {
    if (this.#type === "LIMIT") return true;
    if (this.#type === "LATEST" || !this.#facts) return false;
    return boot.protected_boards.includes(this.#facts.board) || this.#facts.limit_up === null;
  }

  /** Offer the price types that the exchange takes for this instrument, and no other. */
  #offerTypes() {
    const select = this.#form.elements.price_type;
    const wanted = boot.price_types[`${this.#facts.market}.${this.#facts.board}`] ?? ["LIMIT"];
    const chosen = wanted.includes(select.value) ? select.value : "LIMIT";
    select.replaceChildren(...wanted.map((type) => element("option", { value: type, textContent: t(`price_type.${type}`) })));
    select.value = chosen;
    this.#fitPrice();
  }

  #fitPrice() {
    const { price } = this.#form.elements;
    price.disabled = !this.#priced;
    setText(byId("ticket-price-label"), t(this.#priced && this.#type !== "LIMIT" ? "ticket.protection" : "ticket.price"));
    if (!this.#priced) price.value = "";
    else if (!price.value && this.#facts) this.#quoted();
  }

  #edited(event) {
    if (event.target.name === "price") this.#touchedPrice = true;
    if (event.target.name === "side" && this.#facts) this.#quoted(); // a price that nobody typed follows the other side of the book
    if (event.target.name === "quantity") byId("ticket-amount").value = "";
    if (event.target.name === "price_type") this.#fitPrice();
    this.#drawValue();
    this.#say("");
    this.#judgeLater();
  }

  /** Ask what the server would say, as soon as there is an order to speak of. */
  #judgeLater() {
    const order = this.account()?.can_trade && this.#facts ? this.#order() : null;
    const complete = order !== null && order.quantity > 0 && (!this.#priced || number(order.price) > 0);
    this.#dryRun.later(complete ? order : null);
  }

  #quoted() {
    const quote = this.quotes.get(this.#facts.symbol);
    this.#drawLadder(quote);
    if (quote && this.#priced && !this.#touchedPrice && document.activeElement !== this.#form.elements.price) {
      const best = this.#side === "BUY" ? quote.ask?.[0] : quote.bid?.[0];
      const follows = formatPrice(number(best) > 0 ? best : quote.last, this.#digits);
      if (this.#form.elements.price.value !== follows) {
        this.#form.elements.price.value = follows;
        this.#judgeLater();
      }
    }
    this.#drawValue();
    this.#drawPossible();
  }

  #drawLadder(quote = null) {
    this.#ladder.draw(quote, this.#facts);
  }

  #step(name, by) {
    const input = this.#form.elements[name];
    if (input.disabled) return;
    if (name === "quantity") {
      const lot = this.#facts?.quantity_step ?? this.#facts?.lot_size ?? 100;
      const current = Math.max(0, Math.trunc(number(input.value)) || 0);
      this.#setQuantity(Math.max(this.#minimum, current + by * (lot === 1 ? 100 : lot)));
    } else {
      // Whole ticks: binary fractions would drift off the grid.
      const scale = 10 ** this.#digits;
      const tick = Math.max(1, Math.round(number(this.#facts?.tick ?? "0.01") * scale));
      const base = number(input.value || this.quotes.get(this.#facts?.symbol)?.last || 0);
      this.#setPrice(((Math.round(base * scale) + by * tick) / scale).toFixed(this.#digits));
    }
    this.#drawValue();
    this.#judgeLater();
  }

  #setQuantity(quantity) {
    this.#form.elements.quantity.value = String(quantity);
    byId("ticket-amount").value = ""; // the quantity is no longer what that money buys
  }

  #setPrice(price) {
    this.#form.elements.price.value = price;
    this.#touchedPrice = true;
    this.#drawValue();
    this.#drawPossible();
    this.#judgeLater();
  }

  /** What one share is reckoned at. A buy at the market reserves at limit-up: nothing else bounds what it may cost. */
  get #each() {
    if (this.#priced) return number(this.#form.elements.price.value);
    if (this.#type === "LATEST" || this.#side === "SELL") return number(this.quotes.get(this.#facts?.symbol)?.last);
    return number(this.#facts?.limit_up);
  }

  /** Shares that could be bought with the cash, or sold. The server has the last word. */
  #possible() {
    if (!this.#facts) return NaN;
    if (this.#side === "SELL") return this.book.positions.get(this.#facts.symbol)?.sellable ?? 0;
    const price = this.#each;
    const cash = number(this.book.asset?.available_cash ?? this.book.asset?.cash);
    const lot = this.#facts.quantity_step ?? this.#facts.lot_size ?? 100;
    if (!(price > 0) || !(cash > 0)) return NaN;
    const shares = Math.floor(cash / (price * 1.001) / lot) * lot;
    return shares < this.#minimum ? 0 : shares;
  }

  #part(divisor) {
    const possible = this.#possible();
    if (!Number.isFinite(possible)) return;
    const lot = this.#facts.quantity_step ?? this.#facts.lot_size ?? 100;
    const part = divisor === 1 ? possible : Math.floor(possible / divisor / lot) * lot;
    this.#setQuantity(part);
    this.#drawValue();
    this.#judgeLater();
  }

  #drawPossible() {
    const possible = this.#possible();
    setText(byId("ticket-possible"), Number.isFinite(possible) ? t(this.#side === "SELL" ? "ticket.can_sell" : "ticket.can_buy", { quantity: formatQuantity(possible) }) : "");
    const button = byId("ticket-submit");
    setText(button, t(`side.${this.#side}`));
    button.classList.toggle("selling", this.#side === "SELL");
  }

  #drawValue() {
    setText(byId("ticket-value"), formatMoney(this.#each * number(this.#form.elements.quantity.value)));
  }

  #order() {
    const { price, quantity, price_type: type } = this.#form.elements;
    const text = quantity.value.trim();
    return {
      account: this.account().id,
      symbol: this.#facts?.symbol ?? this.picker.text,
      side: this.#side,
      // What is not a whole number goes to the server as typed: its refusal names the field.
      quantity: /^\d{1,12}$/.test(text) ? Number(text) : text,
      price_type: type.value,
      price: this.#priced ? price.value.trim() : null,
    };
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#busy || !this.account()?.can_trade) return;
    const order = this.#order();
    const fingerprint = JSON.stringify(order);
    if (this.#attempt?.fingerprint !== fingerprint) this.#attempt = { fingerprint, key: crypto.randomUUID() };
    this.#busy = true;
    const button = byId("ticket-submit");
    button.disabled = true;
    this.#say("");
    try {
      if (!(await this.#agreed(order))) return;
      this.#attempt.sent = true;
      await post("orders", { ...order, client_order_id: this.#attempt.key });
      this.#attempt = null;
      this.#touchedPrice = false;
      toast(t("ticket.accepted"), `${t(`side.${order.side}`)} ${order.symbol} ${formatQuantity(order.quantity)}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Without an answer the order may exist: the same key on the next press can never make a second one.
      if (error.code === "NETWORK" && this.#attempt.sent) await this.#lookUp(order);
      else {
        if (error.code !== "NETWORK") this.#attempt = null;
        this.#say(error.text, error.field);
      }
    } finally {
      this.#busy = false;
      this.rights();
      // A button that was disabled has lost the focus: whoever works by keyboard goes on where they were.
      if (document.activeElement === document.body) button.focus();
    }
  }

  /** The server's verdict and the cost are seen before anything is sent; a denied order is not offered for sending. */
  async #agreed(order) {
    const verdict = await judge(order);
    if (!verdict.accepted) {
      const denials = verdict.checks.filter(({ verdict: word }) => word === "DENIED");
      this.#say(denials.map(({ code, facts }) => explain(code, facts) || code).join(" · "));
      return false;
    }
    return confirmed({ order, verdict, name: this.#facts?.name ?? order.symbol, digits: this.#digits });
  }

  async #lookUp(order) {
    try {
      const { body } = await get(`orders?account=${order.account}&client_order_id=${this.#attempt.key}`);
      if (body.results.length) {
        this.#attempt = null;
        toast(t("ticket.accepted"), order.symbol);
        return;
      }
      this.#say(t("ticket.not_arrived"));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#say(t("ticket.unknown"));
    }
  }

  #say(text, field = null) {
    const box = byId("ticket-error");
    box.hidden = !text;
    setText(box, text);
    for (const name of ["symbol", "price", "quantity"]) this.#form.elements[name].setAttribute("aria-invalid", String(field === name));
  }
}
