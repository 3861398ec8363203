// What was detected, newest first, and live what becomes of it.
import { byId } from "../lib/dom.js";
import { formatPrice, formatQuantity, formatStamp } from "../lib/format.js";
import { explain } from "../lib/api.js";
import { digitsOf, drawNamed, nameOf } from "../desk/names.js";
import { socket } from "../lib/live.js";
import { Pages } from "../lib/rows.js";
import { symbolCell } from "../lib/symbols.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

export class Signals {
  #account = null;
  #rows = new Map();
  #pages = new Pages(byId("signals-more"), (results, first) => this.#take(results, first), (error) => this.#table.fail(error, () => this.refresh()));
  #table = new KeyedTable(
    byId("signals"),
    [
      { className: "tabular", text: ({ detected_at: at }) => formatStamp(at) },
      { className: "card-title", fill: symbolCell },
      { text: ({ kind }) => t(`signal.${kind}`) },
      { text: ({ side }) => t(`side.${side}`), tone: ({ side }) => (side === "BUY" ? "up" : "down") },
      { className: "num", text: ({ price, symbol }) => formatPrice(price, digitsOf(symbol)) },
      { className: "num", text: ({ traded_quantity: traded, quantity }) => t("signals.traded", { traded: formatQuantity(traded), quantity: formatQuantity(quantity) }) },
      {
        text: ({ state }) => t(`signal_state.${state}`),
        fill(cell, { state }) {
          cell.dataset.signal = state;
          cell.textContent = t(`signal_state.${state}`);
        },
      },
      { className: "wrap", text: ({ code, message }) => (code ? explain(code) || message : "") },
    ],
    { empty: byId("signals-empty") },
  );

  /** @param {() => void} changed  called when something new was detected or ended */
  constructor(changed) {
    this.changed = changed;
    socket.addEventListener("signals", ({ detail }) => this.#live(detail));
    socket.addEventListener("down", () => (byId("signals-stale").hidden = false));
  }

  show(account) {
    if (this.#account) socket.unsubscribe(`signals:${this.#account.id}`);
    this.#account = account;
    this.#rows.clear();
    this.#table.wait();
    socket.subscribe(`signals:${account.id}`);
    this.refresh();
  }

  refresh() {
    byId("signals-stale").hidden = true;
    return this.#pages.load("signals", new URLSearchParams({ account: this.#account.id, limit: "50" }));
  }

  #take(results, first) {
    if (first) this.#rows.clear();
    for (const signal of results) this.#rows.set(signal.id, signal);
    this.#draw();
  }

  #live({ channel, data }) {
    if (channel !== `signals:${this.#account.id}`) return;
    for (const signal of data) {
      if ((this.#rows.get(signal.id)?.version ?? -1) <= signal.version) this.#rows.set(signal.id, signal);
    }
    this.#draw();
    if (data.length) this.changed();
  }

  #draw() {
    const newest = [...this.#rows.values()].sort((one, other) => other.id - one.id);
    const account = this.#account;
    drawNamed(
      this.#table,
      newest.map(({ symbol }) => symbol),
      () => account === this.#account && this.#table.render(newest.map((signal) => ({ ...signal, name: nameOf(signal.symbol), key: String(signal.id) }))),
    );
  }
}
