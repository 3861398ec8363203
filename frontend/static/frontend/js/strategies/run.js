// One run: what it holds and earned, what it asked for, and its log as it is written.
import { ApiError, explain, get } from "../lib/api.js";
import { byId, element, setText, setTone, toast } from "../lib/dom.js";
import { formatMoney, formatPrice, formatQuantity, formatSigned, formatStamp, number } from "../lib/format.js";
import { Pages } from "../lib/rows.js";
import { symbolCell } from "../lib/symbols.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

const MOST_LINES = 500;
const FIGURES = ["equity", "cash", "realised", "unrealised", "fees"];

export class RunPanel {
  #run = null;
  #newest = 0;
  #rows = new Map();
  #pages = new Pages(byId("run-orders-more"), (results, first) => this.#take(results, first));
  #table = new KeyedTable(
    byId("run-orders"),
    [
      { className: "tabular", text: ({ decided_ts: at }) => formatStamp(at) },
      { fill: symbolCell },
      { text: ({ side }) => t(`side.${side}`), tone: ({ side }) => (side === "BUY" ? "up" : "down") },
      { className: "num", text: ({ quantity }) => formatQuantity(quantity) },
      { className: "num", text: ({ price }) => formatPrice(price, 3) },
      { text: ({ reason }) => reason },
      { className: "wrap", text: ({ state, code }) => (code ? explain(code) || code : t(`order_state.${state}`)) },
      { className: "num", text: ({ filled, average_price: price }) => (filled ? `${formatQuantity(filled)} @ ${formatPrice(price, 3)}` : "—") },
    ],
    { empty: byId("run-orders-empty") },
  );

  get id() {
    return this.#run?.id ?? null;
  }

  /** Show a run, or nothing. */
  async show(run) {
    this.#run = run;
    this.#newest = 0;
    byId("run-panel").hidden = run === null;
    byId("run-log").replaceChildren();
    if (run === null) return;
    this.#head(run);
    await this.refresh();
  }

  /** The run has news. */
  update(run, lines) {
    if (run.orders !== this.#run.orders || run.events !== this.#run.events) this.#details();
    this.#run = run;
    this.#head(run);
    this.#write(lines);
  }

  async refresh() {
    const { id } = this.#run;
    this.#details();
    const { body } = await get(`strategy-runs/${id}/lines${this.#newest ? `?after=${this.#newest}` : ""}`).catch(() => ({ body: { results: [] } }));
    if (this.#run?.id === id) this.#write(body.results);
  }

  async #details() {
    const { id } = this.#run;
    this.#pages.load(`strategy-runs/${id}/orders`, new URLSearchParams({ limit: "50" }));
    try {
      const { body } = await get(`strategy-runs/${id}`);
      if (this.#run?.id === id) this.#figures(body.figures);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.text, "", { bad: true });
    }
  }

  #head({ label, strategy, version, code, message }) {
    setText(byId("run-title"), `${label} · ${strategy}`);
    setText(byId("run-version"), t("strategy.version", { digest: version.slice(0, 12) }));
    byId("run-fault").hidden = !code;
    setText(byId("run-fault"), code ? `${explain(code) || code} ${message}` : "");
  }

  #figures(figures) {
    const nodes = FIGURES.flatMap((name) => {
      const value = element("dd", { className: "tabular", textContent: ["realised", "unrealised"].includes(name) ? formatSigned(number(figures[name])) : formatMoney(figures[name]) });
      if (name === "realised" || name === "unrealised") setTone(value, number(figures[name]));
      return [element("div", {}, element("dt", { textContent: t(`run.${name}`) }), value)];
    });
    const held = figures.positions.map(({ symbol, quantity, average_price: price }) => `${symbol} ${formatQuantity(quantity)} @ ${formatPrice(price, 3)}`).join(", ");
    nodes.push(element("div", {}, element("dt", { textContent: t("run.positions") }), element("dd", { textContent: held || t("run.nothing_held") })));
    byId("run-figures").replaceChildren(...nodes);
  }

  #take(results, first) {
    if (first) this.#rows.clear();
    for (const order of results) this.#rows.set(order.number, order);
    this.#table.render([...this.#rows.values()].map((order) => ({ ...order, key: String(order.number) })));
  }

  /** New lines at the end; who has scrolled up stays where they read. */
  #write(lines) {
    const log = byId("run-log");
    const following = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    for (const { number: place, level, text, facts, at } of lines) {
      if (place <= this.#newest) continue;
      this.#newest = place;
      const more = Object.entries(facts).map(([name, value]) => `${name}=${value}`).join(" ");
      log.append(element("li", { dataset: { level } }, element("time", { textContent: formatStamp(at) }), level === "INFO" ? "" : element("b", { textContent: t(`line_level.${level}`) }), element("span", { textContent: text }), element("span", { className: "muted", textContent: more })));
    }
    while (log.children.length > MOST_LINES) log.firstElementChild.remove();
    if (following) log.scrollTop = log.scrollHeight;
  }
}
