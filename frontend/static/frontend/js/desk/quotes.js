// The newest price of every instrument the page looks at, and which instruments those are.

export class Quotes extends EventTarget {
  #socket;
  #latest = new Map();
  #wanted = new Map(); // reason -> Set of symbols
  #asked = "";
  #pending = new Set();
  newestAt = null; // receive time of the newest price, this computer's clock

  constructor(socket) {
    super();
    this.#socket = socket;
    socket.addEventListener("quotes", ({ detail }) => this.#take(detail.data));
  }

  get(symbol) {
    return this.#latest.get(symbol) ?? null;
  }

  /** Say which symbols are needed for `reason`; the subscription follows. */
  want(reason, symbols) {
    this.#wanted.set(reason, new Set(symbols.filter(Boolean)));
    const all = [...new Set([...this.#wanted.values()].flatMap((set) => [...set]))].sort();
    const asked = all.join(",");
    if (asked === this.#asked) return;
    this.#asked = asked;
    if (all.length) {
      this.#socket.subscribe("quotes", { symbols: all });
      this.#socket.subscribe("bars", { symbols: all });
    } else {
      this.#socket.unsubscribe("quotes");
      this.#socket.unsubscribe("bars");
    }
  }

  #take(data) {
    this.newestAt = Date.now();
    for (const [symbol, quote] of Object.entries(data)) {
      this.#latest.set(symbol, quote);
      this.#pending.add(symbol);
    }
    // One repaint a frame however many messages arrive.
    if (this.#pending.size === Object.keys(data).length) requestAnimationFrame(() => this.#tell());
  }

  #tell() {
    const symbols = this.#pending;
    this.#pending = new Set();
    if (symbols.size) this.dispatchEvent(new CustomEvent("change", { detail: symbols }));
  }
}
