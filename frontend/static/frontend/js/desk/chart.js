// Candles with volume; the last candle grows with the live bars (minutes) or prices (days).
import { CandlestickSeries, HistogramSeries, createChart } from "../../vendor/lightweight-charts.mjs";
import { ApiError, get } from "../lib/api.js";
import { byId, setText, setTone } from "../lib/dom.js";
import { formatPercent, formatPrice, number, tickDigits } from "../lib/format.js";
import { t } from "../lib/text.js";
import { instrument, knownInstrument } from "./instruments.js";

const SHANGHAI_SECONDS = 8 * 3600; // the library shows UTC: shifting by the zone makes its axis Shanghai's
const DAYS_BACK = { "1m": 5, "1d": 550 };
const MINUTE = 60_000;
const DASHED = 2;

const toAxis = (milliseconds) => Math.floor(milliseconds / 1000) + SHANGHAI_SECONDS;
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const stamp = (date) => date.toLocaleDateString("sv-SE", { timeZone: "Asia/Shanghai" }).replaceAll("-", "");

export class Chart {
  #chart;
  #candles;
  #volume;
  #symbol = null;
  #period = "1m";
  #last = null; // the candle that still grows
  #request = 0;
  #levels = [];
  #lines = [];

  constructor(quotes, socket, marketNow) {
    this.quotes = quotes;
    this.marketNow = marketNow;
    this.#chart = createChart(byId("chart"), {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 11 },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.06, bottom: 0.24 } },
      timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, rightOffset: 4 },
      crosshair: { mode: 0 },
    });
    this.#candles = this.#chart.addSeries(CandlestickSeries, { borderVisible: false });
    this.#volume = this.#chart.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    this.#chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.#paint();
    document.addEventListener("themechange", () => this.#paint());
    quotes.addEventListener("change", ({ detail }) => detail.has(this.#symbol) && this.#quoted());
    socket.addEventListener("bars", ({ detail }) => this.#barred(detail.data[this.#symbol]));
    for (const button of document.querySelectorAll("[data-period]")) {
      button.addEventListener("click", () => this.#choose(button.dataset.period));
    }
  }

  /** Show another instrument. */
  async show(symbol) {
    this.#symbol = symbol;
    this.quotes.want("chart", [symbol]);
    await this.reload();
  }

  /** Draw lines at prices, in place of those before: {price, title, tone}; `tone` names a colour of the theme. */
  mark(levels) {
    for (const line of this.#lines) this.#candles.removePriceLine(line);
    this.#levels = levels;
    this.#lines = levels.map(({ price, title, tone }) => this.#candles.createPriceLine({ price: number(price), title, color: css(tone), lineWidth: 1, lineStyle: DASHED, axisLabelVisible: true }));
  }

  /** Fetch the history again (another instrument, another period, a gap in the live bars). */
  async reload() {
    const request = ++this.#request;
    const symbol = this.#symbol;
    const facts = await instrument(symbol).catch(() => null);
    if (request !== this.#request) return;
    this.#name(facts);
    this.#say(t("chart.loading"));
    const now = this.marketNow();
    const query = new URLSearchParams({ symbols: symbol, period: this.#period, start: stamp(new Date(now - DAYS_BACK[this.#period] * 86_400_000)), end: stamp(new Date(now)), wait: "20" });
    let answer;
    try {
      answer = await get(`bars?${query}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (request === this.#request) this.#say(error.text);
      return;
    }
    if (request !== this.#request) return;
    if (answer.status === 202) {
      this.#say(t("chart.downloading"));
      setTimeout(() => request === this.#request && this.reload(), 2000);
      return;
    }
    this.#draw(answer.body.rows);
  }

  #choose(period) {
    if (period === this.#period) return;
    this.#period = period;
    for (const button of document.querySelectorAll("[data-period]")) button.setAttribute("aria-pressed", String(button.dataset.period === period));
    this.reload();
  }

  #draw(rows) {
    const bars = rows.filter((row) => !row.suspended).map((row) => this.#bar(number(row.time), row));
    const digits = tickDigits(knownInstrument(this.#symbol)?.tick);
    this.#candles.applyOptions({ priceFormat: { type: "price", precision: digits, minMove: 10 ** -digits } });
    this.#candles.setData(bars.map((bar) => bar.candle));
    this.#volume.setData(bars.map((bar) => bar.volume));
    this.#chart.timeScale().applyOptions({ timeVisible: this.#period !== "1d" });
    this.#chart.timeScale().setVisibleLogicalRange({ from: bars.length - 120, to: bars.length + 4 });
    this.#last = bars.at(-1) ?? null;
    this.#say(bars.length ? "" : t("chart.empty"));
    this.#quoted();
  }

  #bar(milliseconds, { open, high, low, close, volume }) {
    const time = toAxis(milliseconds);
    const rising = number(close) >= number(open);
    return {
      milliseconds,
      candle: { time, open: number(open), high: number(high), low: number(low), close: number(close) },
      volume: { time, value: number(volume), color: css(rising ? "--up" : "--down") + "80" },
    };
  }

  #put(bar) {
    if (this.#last && bar.candle.time < this.#last.candle.time) return;
    this.#candles.update(bar.candle);
    this.#volume.update(bar.volume);
    this.#last = bar;
    this.#say("");
  }

  #barred(bar) {
    if (!bar || this.#period !== "1m") return;
    if (this.#last && bar.ts - this.#last.milliseconds > 2 * MINUTE && this.#sameSession(bar.ts)) this.reload();
    else this.#put(this.#bar(bar.ts, bar));
  }

  /** A jump over lunch or night is no hole. */
  #sameSession(milliseconds) {
    return milliseconds - this.#last.milliseconds < 60 * MINUTE;
  }

  #quoted() {
    const quote = this.quotes.get(this.#symbol);
    if (!quote) return;
    const digits = tickDigits(knownInstrument(this.#symbol)?.tick);
    const [last, previous] = [number(quote.last), number(quote.pre_close)];
    setText(byId("chart-last"), formatPrice(last, digits));
    const ratio = previous > 0 ? last / previous - 1 : NaN;
    setText(byId("chart-change"), previous > 0 ? `${last >= previous ? "+" : ""}${(last - previous).toFixed(digits)}  ${formatPercent(ratio)}` : "");
    for (const id of ["chart-last", "chart-change"]) setTone(byId(id), ratio);
    if (this.#period === "1d" && number(quote.volume) > 0) {
      const day = new Date(quote.ts + SHANGHAI_SECONDS * 1000);
      const midnight = Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate()) - SHANGHAI_SECONDS * 1000;
      this.#put(this.#bar(midnight, { ...quote, close: quote.last }));
    }
  }

  #name(facts) {
    setText(byId("chart-name"), facts?.name ?? this.#symbol);
    setText(byId("chart-symbol"), this.#symbol);
    for (const id of ["chart-last", "chart-change"]) setText(byId(id), "");
  }

  #say(text) {
    byId("chart-state").hidden = !text;
    setText(byId("chart-state"), text);
  }

  #paint() {
    const grid = css("--line");
    this.#chart.applyOptions({
      layout: { background: { color: css("--surface") }, textColor: css("--text-3"), fontFamily: css("--font-sans") },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
    });
    this.mark(this.#levels);
    const [up, down] = [css("--up"), css("--down")];
    this.#candles.applyOptions({ upColor: up, wickUpColor: up, downColor: down, wickDownColor: down });
    this.#volume.setData(this.#volume.data().map((bar, index) => {
      const candle = this.#candles.data()[index];
      return { ...bar, color: (candle && candle.close >= candle.open ? up : down) + "80" };
    }));
  }
}
