// The chart of one instrument: history and indicators from the server, the bar that grows from live bars and prices.
import { ApiError } from "../lib/api.js";
import { byId, setText, setTone } from "../lib/dom.js";
import { formatPercent, formatPrice, number, tickDigits } from "../lib/format.js";
import { instrumentAddress } from "../lib/symbols.js";
import { t } from "../lib/text.js";
import { instrument, knownInstrument } from "../desk/instruments.js";
import { Controls } from "./controls.js";
import { barOf, readBars, readValues } from "./feed.js";
import { PERIODS, edge, fold, midnight, placeOf } from "./periods.js";
import { Readout } from "./readout.js";
import { Surface } from "./surface.js";

const MINUTE_MS = 60_000;
const SESSION_HOLE_MS = 60 * MINUTE_MS; // a longer jump is lunch or night
const TAIL = 4; // bars read again after each minute
const TAIL_AFTER_MS = 18_000; // the server's own grace for the bar that just closed, and a little
const MINUTES = 61; // of the longest bar within a day, the auction included

export class Chart {
  #box = byId("chart");
  #readout = new Readout();
  #controls;
  #surface;
  #symbol = null;
  #bars = [];
  #ready = false; // the bars are those of the symbol and the period chosen
  #minutes = new Map(); // live minutes of the bar that still grows, by stamp
  #lastMinute = 0;
  #cross = null; // place of the bar that the readout shows, null for the newest
  #request = 0;
  #lost = false; // the connection, since the last reading
  #raw = false; // adjusted prices were refused
  #levels = [];
  #trades = [];

  constructor(quotes, socket) {
    this.quotes = quotes;
    this.#surface = new Surface(this.#box, (place) => this.#point(place));
    this.#controls = new Controls((changed) => this.#changed(changed));
    this.#choose();
    quotes.addEventListener("change", ({ detail }) => detail.has(this.#symbol) && this.#quoted());
    socket.addEventListener("bars", ({ detail }) => this.#barred(detail.data[this.#symbol]));
    socket.addEventListener("down", () => {
      this.#lost = true;
    });
    socket.addEventListener("up", () => this.#back());
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    this.#box.addEventListener("blur", () => this.#point(null));
    byId("chart-retry").addEventListener("click", () => this.reload());
  }

  /** Show another instrument. */
  async show(symbol) {
    if (symbol !== this.#symbol) this.#surface.load((this.#bars = []), this.#look);
    this.#symbol = symbol;
    this.#raw = false;
    this.quotes.want("chart", [symbol]);
    await this.reload();
  }

  /** Draw lines at prices, in place of those before: {price, title, tone}; `tone` names a colour of the theme. */
  mark(levels) {
    this.#levels = levels;
    this.#surface.levels(this.#settings.levels ? levels : []);
  }

  /** Mark one's own trades, in place of those before: {ts, side, quantity}, oldest first. */
  traded(trades) {
    this.#trades = trades;
    this.#drawTrades();
  }

  /** Fetch the history again: another instrument or period, a hole in the live bars, a new connection. */
  async reload() {
    const request = ++this.#request;
    const current = () => request === this.#request;
    this.#ready = false;
    const facts = await instrument(this.#symbol).catch(() => null);
    if (!current()) return;
    this.#name(facts);
    this.#say(t("chart.loading"));
    try {
      await this.#fetch(current);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!current()) return;
      if (error.code !== "FACTORS_UNAVAILABLE" || this.#raw) {
        this.#say(error.text, { retry: true });
        return;
      }
      this.#raw = true;
      this.#controls.adjustable(false);
      await this.reload();
    }
  }

  get #settings() {
    return this.#controls.settings;
  }

  get #period() {
    return PERIODS.get(this.#settings.period);
  }

  get #look() {
    return { digits: tickDigits(knownInstrument(this.#symbol)?.tick), intraday: this.#period.minutes > 0 };
  }

  #asked(count) {
    const { adjust, means, macd } = this.#settings;
    return { symbol: this.#symbol, period: this.#period, count, adjust: this.#raw ? "none" : adjust, means, macd };
  }

  async #fetch(current) {
    const waiting = () => this.#say(t("chart.downloading"));
    const asked = this.#asked(this.#period.count);
    const found = await readBars(asked, { current, waiting });
    if (found === null) return;
    if (!this.#raw) this.#controls.adjustable(true);
    this.#load(found);
    const [values] = await Promise.all([readValues(asked, { current }), this.#growing(current)]);
    if (values === null) return;
    this.#surface.values(values);
    this.#draw();
  }

  /** The minutes so far of a longer bar that is not over: the server answers it only then. */
  async #growing(current) {
    if (this.#period.minutes <= 1) return;
    const found = await readBars({ ...this.#asked(MINUTES), period: PERIODS.get("1m") }, { current });
    for (const bar of found?.bars ?? []) this.#minuted(bar);
  }

  #load({ bars, missingDays }) {
    this.#bars = bars;
    this.#ready = true;
    this.#minutes.clear();
    this.#lastMinute = 0;
    this.#cross = null;
    this.#surface.load(bars, this.#look);
    this.#drawTrades();
    this.#say(bars.length ? "" : t("chart.empty"));
    byId("chart-missing").hidden = !missingDays;
    setText(byId("chart-missing"), missingDays ? t("chart.missing", { days: missingDays }) : "");
    this.#quoted();
  }

  #put(bar) {
    const last = this.#bars.at(-1);
    if (!this.#ready || (last && bar.milliseconds < last.milliseconds)) return;
    if (last?.milliseconds === bar.milliseconds) this.#bars[this.#bars.length - 1] = bar;
    else this.#bars.push(bar);
    this.#surface.put(bar, this.#bars.length - 1);
    if (this.#bars.length === 1) this.#say("");
    if (last?.milliseconds !== bar.milliseconds) this.#drawTrades();
    this.#draw();
  }

  #barred(row) {
    if (!row) return;
    const hole = row.ts - this.#lastMinute;
    if (this.#lastMinute && hole > 2 * MINUTE_MS && hole < SESSION_HOLE_MS) {
      this.#lastMinute = 0;
      this.reload();
      return;
    }
    if (row.ts > this.#lastMinute && this.#lastMinute) setTimeout(() => this.#tail(), TAIL_AFTER_MS);
    this.#lastMinute = Math.max(row.ts, this.#lastMinute);
    this.#minuted(barOf(row.ts, row));
  }

  #minuted(bar) {
    const { minutes } = this.#period;
    if (minutes === 1) this.#put(bar);
    if (minutes <= 1) return;
    this.#minutes.set(bar.milliseconds, bar);
    const at = edge(bar.milliseconds, minutes);
    const parts = [...this.#minutes.values()].filter(({ milliseconds }) => edge(milliseconds, minutes) === at).sort((a, b) => a.milliseconds - b.milliseconds);
    this.#put(fold(parts, at));
  }

  /** What closed meanwhile, as the server has it, with its indicators. */
  async #tail() {
    if (document.hidden) return;
    const [request, asked] = [this.#request, this.#asked(TAIL)];
    const current = () => request === this.#request;
    try {
      const [found, values] = await Promise.all([readBars(asked, { current }), readValues(asked, { current })]);
      if (!found || !values || !this.#ready) return;
      for (const bar of found.bars) this.#mend(bar);
      this.#surface.values(values);
      this.#draw();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the next minute asks again
    }
  }

  #mend(bar) {
    const place = this.#bars.findLastIndex(({ milliseconds }) => milliseconds === bar.milliseconds);
    // The newest one grows by itself; only weeks and months learn their volume from the server.
    const grows = place === this.#bars.length - 1 && (this.#period.minutes > 0 || this.#period.code === "1d");
    if (place === -1 || grows) return;
    this.#bars[place] = bar;
    this.#surface.put(bar, place);
  }

  #quoted() {
    const quote = this.quotes.get(this.#symbol);
    if (!quote) return;
    const { digits } = this.#look;
    const [last, previous] = [number(quote.last), number(quote.pre_close)];
    setText(byId("chart-last"), formatPrice(last, digits));
    const ratio = previous > 0 ? last / previous - 1 : NaN;
    setText(byId("chart-change"), previous > 0 ? `${last >= previous ? "+" : ""}${(last - previous).toFixed(digits)}  ${formatPercent(ratio)}` : "");
    for (const id of ["chart-last", "chart-change"]) setTone(byId(id), ratio);
    if (this.#period.minutes || !(number(quote.volume) > 0)) return;
    const day = barOf(midnight(quote.ts), { ...quote, close: quote.last });
    if (this.#period.code === "1d") this.#put(day);
    else this.#lengthen(day);
  }

  /** A week or month in progress follows the day's prices. */
  #lengthen(day) {
    const last = this.#bars.at(-1);
    if (!last || last.milliseconds < day.milliseconds) return; // a new one begins with the next reading
    this.#put({ ...last, high: Math.max(last.high, day.high), low: Math.min(last.low, day.low), close: day.close });
  }

  /** Minutes may have passed without their bars. */
  #back() {
    if (this.#lost && this.#symbol !== null) this.reload();
    this.#lost = false;
  }

  #changed(name) {
    if (name === "levels") this.mark(this.#levels);
    else if (name === "trades") this.#drawTrades();
    else {
      if (name !== "period" && name !== "adjust") this.#choose();
      if (this.#symbol) this.reload();
    }
  }

  #choose() {
    const { means, macd } = this.#settings;
    this.#surface.choose(means.map((length) => `ma${length}`), macd);
    this.#readout.choose(means, macd);
  }

  #drawTrades() {
    const shown = new Map();
    for (const { ts, side, quantity } of this.#settings.trades && this.#bars.length ? this.#trades : []) {
      const place = placeOf(this.#bars, ts, this.#period);
      if (place < 0) continue;
      const key = `${place} ${side}`;
      shown.set(key, { place, side, quantity: (shown.get(key)?.quantity ?? 0) + quantity });
    }
    const marks = [...shown.values()].sort((a, b) => a.place - b.place);
    this.#surface.trades(marks.map(({ place, side, quantity }) => ({ milliseconds: this.#bars[place].milliseconds, side, text: `${t(`side.${side}`)} ${quantity}` })));
  }

  #point(place) {
    if (this.#cross === place) return;
    this.#cross = place;
    this.#draw();
  }

  #draw() {
    const place = this.#cross ?? this.#bars.length - 1;
    const bar = this.#bars[place] ?? null;
    const before = this.#bars[place - 1]?.close ?? NaN;
    // Of the newest bar, which is not over, nothing is known yet: the values of the one before it stand there.
    const closed = bar && this.#cross === null && !this.#surface.valuesAt(bar.milliseconds) ? this.#bars[place - 1] : bar;
    this.#readout.show(bar, before, closed && this.#surface.valuesAt(closed.milliseconds), this.#look);
  }

  #key(event) {
    const last = this.#bars.length - 1;
    const from = this.#cross ?? last;
    const step = event.shiftKey ? 10 : 1;
    const to = { ArrowLeft: from - step, ArrowRight: from + step, Home: 0, End: last }[event.key];
    if (last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (to !== undefined) {
      this.#move(Math.max(0, Math.min(to, last)));
      this.#readout.speak();
    } else if (event.key === "+" || event.key === "=") this.#surface.zoom(0.7);
    else if (event.key === "-") this.#surface.zoom(1.4);
    else if (event.key === "Escape") this.#move(null);
    else return;
    event.preventDefault();
  }

  #move(place) {
    this.#surface.cross(place);
    this.#point(place);
  }

  #name(facts) {
    setText(byId("chart-name"), facts?.name ?? this.#symbol);
    setText(byId("chart-symbol"), this.#symbol);
    if (byId("chart-more")) byId("chart-more").href = instrumentAddress(this.#symbol);
    for (const id of ["chart-last", "chart-change"]) setText(byId(id), "");
  }

  #say(text, { retry = false } = {}) {
    byId("chart-state").hidden = !text;
    setText(byId("chart-words"), text);
    byId("chart-retry").hidden = !retry;
  }
}
