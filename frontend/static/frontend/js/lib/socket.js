// One live connection to /ws/v1: subscriptions, resume by version, reconnect with back-off, proof of life after a sleep.

const FIRST_DELAY_MS = 300;
const LAST_DELAY_MS = 3000;
const BEAT_MS = 1000;
const PING_MS = 15000;
const SILENCE_MS = 40000;
const SLEPT_MS = 5000; // a timer that comes so much too late was asleep, as the laptop below it
const ANSWER_MS = 2000; // a living server answers a ping within this

export class LiveSocket extends EventTarget {
  #socket = null;
  #channels = new Map(); // channel -> { request, version }
  #delay = FIRST_DELAY_MS;
  #lastHeard = 0;
  #timer = null;
  #beatAt = Date.now();

  constructor(url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/v1`) {
    super();
    this.url = url;
    setInterval(() => this.#watch(), PING_MS);
    setInterval(() => this.#beat(), BEAT_MS);
    // A woken laptop or a network that came back: find out at once instead of after the back-off or the silence.
    addEventListener("online", () => this.#awake());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#awake());
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Open the connection; harmless when it is open or opening. */
  connect() {
    if (this.#socket !== null) return;
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    // A connection that was given up may speak once more: nobody listens.
    const mine = (act) => (event) => socket === this.#socket && act(event);
    socket.addEventListener("open", mine(() => this.#opened()));
    socket.addEventListener("message", mine((event) => this.#received(JSON.parse(event.data))));
    socket.addEventListener("close", mine((event) => this.#closed(event)));
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

  #beat() {
    const late = Date.now() - this.#beatAt - BEAT_MS;
    this.#beatAt = Date.now();
    if (late > SLEPT_MS) this.#awake();
  }

  /** A connection from before may be dead without knowing: it answers soon, or another takes its place. */
  #awake() {
    this.#delay = FIRST_DELAY_MS;
    if (this.#socket === null) this.connect();
    if (!this.open) return;
    const [asked, socket] = [Date.now(), this.#socket];
    this.#send({ op: "ping" });
    setTimeout(() => socket === this.#socket && this.#lastHeard < asked && this.#giveUp(), ANSWER_MS);
  }

  /** Closing a dead connection takes as long as it likes: it is left to itself. */
  #giveUp() {
    this.#socket.close();
    this.#closed({ code: 1006 });
  }

  #watch() {
    if (!this.open) return;
    if (Date.now() - this.#lastHeard > SILENCE_MS) this.#giveUp();
    else this.#send({ op: "ping" });
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }
}
