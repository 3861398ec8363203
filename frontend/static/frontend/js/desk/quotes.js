// The newest price of every instrument the page looks at, and which instruments those are.

export class Quotes extends EventTarget {
  #socket;
  #latest = new Map();
  #wanted = new Map(); // reason -> Set of symbols
  #asked = "";
  #pending = new Set();
  #silent = new Map(); // host whose market trades without quotes -> since when, ms
  newestAt = null; // receive time of the newest price, this computer's clock

  constructor(socket) {
    super();
    this.#socket = socket;
    socket.addEventListener("quotes", ({ detail }) => this.#take(detail.data));
    socket.addEventListener("feeds", ({ detail }) => this.#hear(detail.data));
    // Whoever came back meanwhile is not told of; whoever is still silent is.
    socket.addEventListener("up", () => this.#silent.clear());
  }

  /** Since when a host's market trades without a quote, in ms of the wall clock; null while quotes arrive. */
  silentSince(host) {
    return this.#silent.get(host) ?? null;
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

  #hear(feeds) {
    for (const { host, stale_since: since } of feeds) {
      if (since === null) this.#silent.delete(host);
      else this.#silent.set(host, Date.parse(since));
    }
  }

  #tell() {
    const symbols = this.#pending;
    this.#pending = new Set();
    if (symbols.size) this.dispatchEvent(new CustomEvent("change", { detail: symbols }));
  }
}
