// The drawing: candles, volume, means and MACD on one time axis. It knows nothing of where they come from.
import { CandlestickSeries, HistogramSeries, LineSeries, createChart, createSeriesMarkers } from "../../vendor/lightweight-charts.mjs";
import { number } from "../lib/format.js";
import { SHANGHAI_MS } from "./periods.js";

const DASHED = 2;
// Means are told apart by their strokes too: solid, dotted, dashed, long dashes, far dots.
const STROKES = [0, 1, 2, 3, 4, 0];
const SHOWN = 120;
const AHEAD = 4;
const PLAIN = { lastValueVisible: false, priceLineVisible: false };
const QUIET = { ...PLAIN, crosshairMarkerVisible: false };
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// The library shows UTC: shifting by the zone makes its axis Shanghai's.
const axisTime = (milliseconds) => Math.floor((milliseconds + SHANGHAI_MS) / 1000);

export class Surface {
  #chart;
  #candles;
  #volume;
  #marks;
  #means = []; // {column, series}
  #macd = null; // {hist, dif, dea}
  #bars = [];
  #values = new Map();
  #lines = [];
  #levels = [];
  #trades = [];
  #tones = { up: "", down: "" };

  /** @param {HTMLElement} box @param {(place: number|null) => void} onCross  told which bar the crosshair is on */
  constructor(box, onCross) {
    this.#chart = createChart(box, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 11, panes: { enableResize: false } },
      localization: { locale: document.documentElement.lang, dateFormat: "yyyy-MM-dd" },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.06, bottom: 0.24 } },
      timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, rightOffset: AHEAD },
      crosshair: { mode: 0 },
    });
    this.#candles = this.#chart.addSeries(CandlestickSeries, { borderVisible: true });
    this.#volume = this.#chart.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, ...PLAIN });
    this.#chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.#marks = createSeriesMarkers(this.#candles, []);
    this.#chart.subscribeCrosshairMove(({ logical, point }) => {
      const inside = point !== undefined && logical !== undefined && this.#bars.length > 0;
      onCross(inside ? Math.max(0, Math.min(Math.round(logical), this.#bars.length - 1)) : null);
    });
    this.paint();
    document.addEventListener("themechange", () => this.paint());
  }

  /** Which indicators are drawn: columns of means, shortest first, and whether MACD has its pane. */
  choose(means, macd) {
    for (const { series } of this.#means) this.#chart.removeSeries(series);
    this.#means = means.map((column, place) => ({ column, series: this.#chart.addSeries(LineSeries, { ...QUIET, lineWidth: 1, lineStyle: STROKES[place] }) }));
    if (this.#macd) {
      for (const series of Object.values(this.#macd)) this.#chart.removeSeries(series);
      if (this.#chart.panes().length > 1) this.#chart.removePane(1);
    }
    this.#macd = null;
    if (macd) {
      this.#macd = {
        hist: this.#chart.addSeries(HistogramSeries, PLAIN, 1),
        dif: this.#chart.addSeries(LineSeries, { ...QUIET, lineWidth: 1 }, 1),
        dea: this.#chart.addSeries(LineSeries, { ...QUIET, lineWidth: 1, lineStyle: STROKES[2] }, 1),
      };
      const [prices, below] = this.#chart.panes();
      prices.setStretchFactor(3);
      below.setStretchFactor(1);
    }
    this.paint();
  }

  /** Show other bars, oldest first, from their newest back. */
  load(bars, { digits, intraday }) {
    this.#bars = bars;
    this.#values = new Map();
    const format = { type: "price", precision: digits, minMove: 10 ** -digits };
    this.#candles.applyOptions({ priceFormat: format });
    this.#chart.timeScale().applyOptions({ timeVisible: intraday });
    this.#candles.setData(bars.map(candle));
    this.#volume.setData(bars.map((bar) => this.#volumeBar(bar)));
    this.#drawValues();
    this.#drawTrades();
    this.#chart.timeScale().setVisibleLogicalRange({ from: bars.length - SHOWN, to: bars.length + AHEAD });
  }

  /** One bar was added or changed; `place` is where it stands now. */
  put(bar, place) {
    const older = place < this.#bars.length - 1;
    this.#candles.update(candle(bar), older);
    this.#volume.update(this.#volumeBar(bar), older);
  }

  /** Values of closed bars by stamp, in addition to those there are. */
  values(rows) {
    for (const [milliseconds, row] of rows) this.#values.set(milliseconds, row);
    this.#drawValues();
  }

  valuesAt(milliseconds) {
    return this.#values.get(milliseconds) ?? null;
  }

  /** Lines at prices, in place of those before: {price, title, tone}; `tone` names a colour of the theme. */
  levels(levels) {
    for (const line of this.#lines) this.#candles.removePriceLine(line);
    this.#levels = levels;
    this.#lines = levels.map(({ price, title, tone }) => this.#candles.createPriceLine({ price: number(price), title, color: css(tone), lineWidth: 1, lineStyle: DASHED, axisLabelVisible: true }));
  }

  /** Arrows at bars, in place of those before: {milliseconds, side, text}, oldest first. */
  trades(trades) {
    this.#trades = trades;
    this.#drawTrades();
  }

  /** Put the crosshair on a bar, and the bar into sight; null takes it away. */
  cross(place) {
    const bar = place === null ? null : this.#bars[place];
    if (!bar) {
      this.#chart.clearCrosshairPosition();
      return;
    }
    const scale = this.#chart.timeScale();
    const { from, to } = scale.getVisibleLogicalRange();
    const shift = place < from ? place - from : place > to ? place - to : 0;
    if (shift) scale.setVisibleLogicalRange({ from: from + shift, to: to + shift });
    this.#chart.setCrosshairPosition(bar.close, axisTime(bar.milliseconds), this.#candles);
  }

  /** Show more (factor above 1) or fewer bars, the newest one in sight kept where it is. */
  zoom(factor) {
    const scale = this.#chart.timeScale();
    const { from, to } = scale.getVisibleLogicalRange();
    const span = Math.max(10, Math.min((to - from) * factor, this.#bars.length + AHEAD));
    scale.setVisibleLogicalRange({ from: to - span, to });
  }

  /** Take every colour from the theme again. */
  paint() {
    const [surface, line, up, down] = ["--surface", "--line", "--up", "--down"].map(css);
    this.#chart.applyOptions({
      layout: { background: { color: surface }, textColor: css("--text-3"), fontFamily: css("--font-sans"), panes: { separatorColor: line } },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
    });
    this.#tones = { up, down };
    // Rising candles are hollow, falling ones full: the colour only repeats it.
    this.#candles.applyOptions({ upColor: surface, borderUpColor: up, wickUpColor: up, downColor: down, borderDownColor: down, wickDownColor: down });
    this.levels(this.#levels);
    this.#means.forEach(({ series }, place) => series.applyOptions({ color: css(`--series-${place + 1}`) }));
    this.#macd?.dif.applyOptions({ color: css("--series-1") });
    this.#macd?.dea.applyOptions({ color: css("--series-2") });
    this.#volume.setData(this.#bars.map((bar) => this.#volumeBar(bar)));
    this.#drawValues();
    this.#drawTrades();
  }

  #drawValues() {
    const points = (column) => this.#bars.map(({ milliseconds }) => point(milliseconds, this.#values.get(milliseconds)?.[column]));
    for (const { column, series } of this.#means) series.setData(points(column));
    if (!this.#macd) return;
    const { up, down } = this.#tones;
    this.#macd.hist.setData(points("macd_hist").map((one) => (one.value === undefined ? one : { ...one, color: one.value >= 0 ? up : down })));
    this.#macd.dif.setData(points("macd_dif"));
    this.#macd.dea.setData(points("macd_dea"));
  }

  #volumeBar({ milliseconds, open, close, volume }) {
    const color = close >= open ? `${this.#tones.up}60` : `${this.#tones.down}a0`;
    return { time: axisTime(milliseconds), value: volume, color };
  }

  #drawTrades() {
    this.#marks.setMarkers(
      this.#trades.map(({ milliseconds, side, text }) => {
        const bought = side === "BUY";
        return { time: axisTime(milliseconds), text, position: bought ? "belowBar" : "aboveBar", shape: bought ? "arrowUp" : "arrowDown", color: bought ? this.#tones.up : this.#tones.down };
      }),
    );
  }
}

const candle = ({ milliseconds, open, high, low, close }) => ({ time: axisTime(milliseconds), open, high, low, close });
const point = (milliseconds, value) => (typeof value === "number" ? { time: axisTime(milliseconds), value } : { time: axisTime(milliseconds) });
