// The bar under the header: account state, market clock, connection and how old the newest price is.
import { byId, setText, toast } from "../lib/dom.js";
import { t } from "../lib/text.js";

const STALE_AFTER_MS = 10_000;
const WORTH_A_WORD_MS = 3000; // a shorter absence is over before anybody saw it
const TRADING_PHASES = new Set(["OPEN_AUCTION", "OPEN_AUCTION_NO_CANCEL", "CONTINUOUS", "CLOSE_AUCTION"]);
const clockText = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export class Status {
  #clock = null;
  #offset = 0; // market time minus this computer's time, ms
  #online = false;
  #lostAt = null; // since when there is no connection, once there was one
  #source = ""; // host whose terminal sends the prices of the account shown

  constructor(socket, quotes) {
    this.quotes = quotes;
    socket.addEventListener("up", () => this.#connection(true));
    socket.addEventListener("down", () => this.#connection(false));
    // The socket stands, but the server gets no live messages at present.
    socket.addEventListener("stale", () => this.#connection(false));
    socket.addEventListener("live", () => this.#connection(true));
    setInterval(() => this.#tick(), 500);
  }

  /** Market time in ms as far as the page knows it. */
  marketNow = () => Date.now() + this.#offset;

  get tradeDate() {
    return this.#clock?.trade_date ?? null;
  }

  /** Take a market clock from the server ({trade_date, phase, market_time, simulated, stale}). */
  clock(clock) {
    if (!clock) return;
    this.#clock = clock;
    this.#offset = Date.parse(clock.market_time) - Date.now();
    byId("simulated-badge").hidden = !clock.simulated;
    setText(byId("market-date"), clock.trade_date ?? "");
    setText(byId("market-phase"), t(`phase.${clock.phase}`));
    this.#tick();
  }

  /** Whose prices are shown: a host's silence makes them stale. */
  follow(host) {
    this.#source = host;
  }

  account(account) {
    this.follow(account.host?.fed_from || account.host?.name || "");
    const mode = byId("account-mode");
    mode.hidden = false;
    mode.className = `badge ${account.mode === "LIVE" ? "badge-live" : "badge-active"}`;
    const source = account.mode === "PAPER" ? account.host?.fed_from : "";
    setText(mode, source ? t("mode.PAPER_FED", { host: source }) : t(`mode.${account.mode}`));
    const session = account.host?.session_state ?? "READY"; // not known yet: no alarm
    const trouble = account.state !== "ACTIVE" ? t(`state.${account.state}`) : session !== "READY" ? t(`session.${session}`) : "";
    byId("account-state").hidden = !trouble;
    setText(byId("account-state"), trouble);
  }

  #connection(up) {
    if (this.#online && !up) this.#lostAt = Date.now();
    if (up && this.#lostAt !== null) {
      if (Date.now() - this.#lostAt > WORTH_A_WORD_MS) toast(t("connection.back"), t("connection.back_since", { time: clockText.format(this.#lostAt) }));
      this.#lostAt = null;
    }
    this.#online = up;
    this.#tick();
  }

  #tick() {
    if (this.#clock && !this.#clock.stale) setText(byId("market-time"), clockText.format(this.marketNow()));
    const age = this.quotes.newestAt === null ? null : Date.now() - this.quotes.newestAt;
    const trading = TRADING_PHASES.has(this.#clock?.phase);
    const silentSince = this.quotes.silentSince(this.#source);
    const stale = !this.#online || silentSince !== null || (trading && age !== null && age > STALE_AFTER_MS);
    document.body.classList.toggle("is-stale", stale);
    byId("connection-dot").className = `dot ${!this.#online ? "dot-bad" : stale ? "dot-warn" : "dot-good"}`;
    setText(byId("connection-text"), !this.#online ? t("connection.down") : stale ? t("connection.stale") : t("connection.up"));
    setText(byId("quote-age"), age === null ? "" : age < 1000 ? "<1 s" : `${Math.min(999, Math.floor(age / 1000))} s`);
    const since = silentSince ?? this.quotes.newestAt;
    const words = since === null ? t("connection.down") : t("stale.since", { time: new Date(since).toLocaleTimeString("en-GB", { timeZone: "Asia/Shanghai" }) });
    for (const note of document.querySelectorAll("[data-stale-note]")) {
      note.hidden = !stale;
      if (stale) setText(note, words);
    }
  }
}
