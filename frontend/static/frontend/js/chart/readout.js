// The line above the candles: one bar's figures and the values of the indicators there, in the language's words.
import { byId, element, setText, setTone } from "../lib/dom.js";
import { formatPercent, formatPrice } from "../lib/format.js";
import { t } from "../lib/text.js";

const ZONE = "Asia/Shanghai";
const language = document.documentElement.lang;
const compact = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 2 });
const dayText = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, dateStyle: "short" });
const minuteText = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, dateStyle: "short", timeStyle: "short" });
const FIGURES = ["open", "high", "low", "close", "change", "volume", "amount"];
const MACD = [["macd_dif", "DIF", "dif"], ["macd_dea", "DEA", "dea"], ["macd_hist", "MACD", "hist"]];
const large = (value) => (Number.isFinite(value) ? compact.format(value) : "—");

export class Readout {
  #figures = new Map();
  #values = new Map();
  #time = element("b", { className: "tabular" });

  constructor() {
    const bar = byId("chart-bar");
    bar.append(this.#time);
    for (const name of FIGURES) {
      const value = element("b", { className: "tabular" });
      this.#figures.set(name, value);
      bar.append(element("span", {}, element("span", { className: "muted", textContent: t(`chart.${name}`) }), " ", value));
    }
  }

  /** Which values there are: lengths of means, and whether MACD. Each name stands beside its line's stroke. */
  choose(means, macd) {
    const wanted = [...means.map((length, place) => [`ma${length}`, `MA${length}`, `${place + 1}`]), ...(macd ? MACD : [])];
    this.#values = new Map();
    byId("chart-values").replaceChildren(
      ...wanted.map(([column, title, stroke]) => {
        const value = element("b", { className: "tabular", textContent: "—" });
        this.#values.set(column, value);
        return element("span", { className: "chart-value", dataset: { stroke } }, element("span", { textContent: title }), " ", value);
      }),
    );
  }

  /** Show one bar; `before` is the close before it, NaN where nothing is known. */
  show(bar, before, values, { digits, intraday }) {
    setText(this.#time, bar ? (intraday ? minuteText : dayText).format(bar.milliseconds) : "—");
    const change = bar && before > 0 ? bar.close / before - 1 : NaN;
    const texts = {
      ...Object.fromEntries(["open", "high", "low", "close"].map((name) => [name, formatPrice(bar?.[name] ?? NaN, digits)])),
      change: formatPercent(change),
      volume: large(bar?.volume ?? NaN),
      amount: large(bar?.amount ?? NaN),
    };
    for (const [name, node] of this.#figures) setText(node, texts[name]);
    setTone(this.#figures.get("change"), change);
    for (const [column, node] of this.#values) {
      const value = values?.[column];
      setText(node, typeof value === "number" ? value.toFixed(column.startsWith("macd") ? 3 : digits) : "—");
    }
  }

  /** The bar in one sentence, for who moves by keys and does not see it. */
  speak() {
    const figures = [...this.#figures].map(([name, node]) => `${t(`chart.${name}`)} ${node.textContent}`);
    setText(byId("chart-spoken"), [this.#time.textContent, ...figures].join(", "));
  }
}
