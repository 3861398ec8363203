// One live connection to /ws/v1: subscriptions, resume by version, reconnect with back-off.

const FIRST_DELAY_MS = 300;
const LAST_DELAY_MS = 5000;
const PING_MS = 15000;
const SILENCE_MS = 40000;

export class LiveSocket extends EventTarget {
  #socket = null;
  #channels = new Map(); // channel -> { request, version }
  #delay = FIRST_DELAY_MS;
  #lastHeard = 0;
  #timer = null;

  constructor(url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/v1`) {
    super();
    this.url = url;
    setInterval(() => this.#watch(), PING_MS);
    // A woken laptop or a network that came back: try at once instead of after the back-off.
    addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#retryNow());
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Open the connection; harmless when it is open or opening. */
  connect() {
    if (this.#socket !== null) return;
    clearTimeout(this.#timer);
    this.#socket = new WebSocket(this.url);
    this.#socket.addEventListener("open", () => this.#opened());
    this.#socket.addEventListener("message", (event) => this.#received(JSON.parse(event.data)));
    this.#socket.addEventListener("close", (event) => this.#closed(event));
  }

  /** Subscribe to `channel`; the version of the last event is remembered and resumed from. */
  subscribe(channel, request = {}) {
    this.#channels.set(channel, { request, version: null });
    if (this.open) this.#ask(channel);
  }

  unsubscribe(channel) {
    if (this.#channels.delete(channel) && this.open) this.#send({ op: "unsubscribe", channel });
  }

  /** Forget the version of `channel` and ask for a fresh snapshot. */
  resync(channel) {
    const entry = this.#channels.get(channel);
    if (!entry) return;
    entry.version = null;
    if (this.open) this.#ask(channel);
  }

  #opened() {
    this.#delay = FIRST_DELAY_MS;
    this.#lastHeard = Date.now();
    this.dispatchEvent(new Event("up"));
    for (const channel of this.#channels.keys()) this.#ask(channel);
  }

  #ask(channel) {
    const { request, version } = this.#channels.get(channel);
    this.#send({ op: "subscribe", channel, ...request, ...(version === null ? {} : { since: version }) });
  }

  #received(message) {
    this.#lastHeard = Date.now();
    const entry = this.#channels.get(message.channel);
    if (entry && message.type === "snapshot") entry.version = message.version ?? null;
    if (entry && message.type === "delta") {
      const fresh = entry.version === null ? message.events : message.events.filter((event) => event.version > entry.version);
      if (fresh.length && entry.version !== null && fresh[0].version > entry.version + 1) {
        this.resync(message.channel); // a hole: only a snapshot is the truth
        return;
      }
      entry.version = message.version;
      message = { ...message, events: fresh };
    }
    if (message.type === "revoked") this.#channels.delete(message.channel);
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
  }

  #closed(event) {
    this.#socket = null;
    this.dispatchEvent(new CustomEvent("down", { detail: { code: event.code } }));
    if (event.code === 4401) return; // no session any more: the page sends the person to the login
    this.#timer = setTimeout(() => this.connect(), this.#delay * (0.75 + Math.random() / 2));
    this.#delay = Math.min(this.#delay * 2, LAST_DELAY_MS);
  }

  #retryNow() {
    if (this.#socket === null) {
      this.#delay = FIRST_DELAY_MS;
      this.connect();
    } else this.#watch();
  }

  #watch() {
    if (!this.open) return;
    if (Date.now() - this.#lastHeard > SILENCE_MS) this.#socket.close();
    else this.#send({ op: "ping" });
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }
}
