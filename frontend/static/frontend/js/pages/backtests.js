// Back-tests: start one, watch how far it is, read its report.
import "../lib/shell.js";
import { ApiError, explain, get, post, remove } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { NONE, formatPercent, formatStamp } from "../lib/format.js";
import { attempt } from "../lib/refusal.js";
import { Pages } from "../lib/rows.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { Catalogue } from "../strategies/catalogue.js";

const EVERY_MS = 1500;
const UNFINISHED = ["WAITING", "RUNNING"];
const FIGURES = ["total_return", "annual_return", "annual_volatility", "sharpe_ratio", "sortino_ratio", "max_drawdown", "calmar_ratio", "turnover", "exposure"];
const TABLES = ["days", "orders", "trades", "trips"];
const share = (value) => (value === null || value === undefined ? NONE : formatPercent(value));
const unsigned = (value) => share(value).replace("+", "");
const fallen = (value) => share(value ? -value : value);
const ratio = (value) => (value === null || value === undefined ? NONE : value.toFixed(2));
/** How a figure is written; a plain number unless named here. */
const WRITTEN = { total_return: share, annual_return: share, annual_volatility: unsigned, max_drawdown: fallen, exposure: unsigned };

const figure = (id, plot) => element("figure", {}, element("figcaption", { textContent: t(`plot.${plot}`) }), element("img", { src: `/api/v1/backtests/${id}/plots/${plot}.svg`, alt: t(`plot.${plot}`) }));

class Backtests {
  #rows = new Map();
  #shown = null;
  #form = byId("backtest-form");
  #catalogue = new Catalogue(byId("backtest-form"), byId("backtest-parameters"), byId("backtest-about"));
  #pages = new Pages(byId("backtests-more"), (results, first) => this.#take(results, first), (error) => this.#table.fail(error, () => this.refresh()));
  #table = new KeyedTable(
    byId("backtests"),
    [
      { fill: (cell, row) => this.#link(cell, row) },
      { text: ({ strategy, name }) => name || strategy },
      { className: "wrap", text: ({ symbols }) => symbols.slice(0, 6).join(" ") + (symbols.length > 6 ? ` +${symbols.length - 6}` : "") },
      { text: ({ start, end, period }) => `${start} – ${end} · ${t(`period.${period}`)}` },
      { text: ({ state, code }) => (code ? explain(code) || code : t(`backtest_state.${state}`)) },
      { className: "num", text: ({ total_return: value }) => share(value), tone: ({ total_return: value }) => (value > 0 ? "up" : value < 0 ? "down" : "") },
      { className: "num", text: ({ max_drawdown: value }) => fallen(value) },
      { className: "num", text: ({ sharpe_ratio: value }) => ratio(value) },
    ],
    { empty: byId("backtests-empty") },
  );

  constructor() {
    this.#catalogue.load();
    byId("backtest-run").disabled = !boot.may_run;
    this.#form.addEventListener("submit", (event) => this.#start(event));
    this.#fillRange();
    setInterval(() => this.#watch(), EVERY_MS);
    this.#table.wait();
    this.refresh();
  }

  refresh() {
    return this.#pages.load("backtests", new URLSearchParams({ limit: "20" }));
  }

  /** A year up to the market's own today, as long as nothing was typed. */
  async #fillRange() {
    const { start, end } = this.#form.elements;
    const { body } = await get("calendar").catch(() => ({ body: {} }));
    if (!body.trade_date || start.value || end.value) return;
    end.value = body.trade_date;
    start.value = `${Number(body.trade_date.slice(0, 4)) - 1}${body.trade_date.slice(4)}`.replace("-02-29", "-02-28");
  }

  #take(results, first) {
    if (first) this.#rows.clear();
    for (const row of results) this.#rows.set(row.id, row);
    this.#draw();
    if (this.#shown === null && results.length) this.#open(results[0].id);
  }

  #draw() {
    this.#table.render([...this.#rows.values()].map((row) => ({ ...row, key: row.id })));
    if (this.#shown) this.#table.select(this.#shown.id);
  }

  #link(cell, { id, created_at: at }) {
    if (cell.firstElementChild) return;
    const button = element("button", { type: "button", className: "row-link tabular", textContent: formatStamp(at) });
    button.addEventListener("click", () => this.#open(id));
    cell.append(button);
  }

  async #start(event) {
    event.preventDefault();
    const { start, end, benchmark, accept_gaps: gaps } = this.#form.elements;
    const wish = { ...this.#catalogue.wish(), start: start.value, end: end.value };
    if (benchmark.value.trim()) wish.benchmark = benchmark.value.trim();
    if (gaps.checked) wish.settings = { accept_gaps: true };
    let made = null;
    const done = await attempt(byId("backtest-run"), byId("backtest-error"), async () => {
      made = (await post("backtests", wish)).body;
    });
    byId("backtest-run").disabled = !boot.may_run;
    if (!done) return;
    toast(t("backtest.started"));
    await this.refresh();
    this.#open(made.id);
  }

  async #watch() {
    if (document.hidden || !this.#shown || !UNFINISHED.includes(this.#shown.state)) return;
    await this.#open(this.#shown.id);
    if (!UNFINISHED.includes(this.#shown.state)) this.refresh();
  }

  async #open(id) {
    try {
      const { body } = await get(`backtests/${id}`);
      const redraw = this.#shown?.id !== id || this.#shown.state !== body.state;
      this.#shown = body;
      this.#report(body, redraw);
      this.#table.select(id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code !== "NETWORK") toast(error.text, "", { bad: true });
    }
  }

  #report(row, redraw) {
    const { state, code, message, done, total, figures } = row;
    byId("report").hidden = false;
    byId("report").dataset.state = state;
    setText(byId("report-title"), `${row.name || row.strategy} · ${t(`backtest_state.${state}`)}`);
    byId("report-fault").hidden = !code;
    setText(byId("report-fault"), code ? `${explain(code) || code} ${message}` : "");
    const bar = byId("report-progress");
    bar.hidden = !UNFINISHED.includes(state);
    if (total) Object.assign(bar, { max: total, value: done });
    else bar.removeAttribute("value");
    bar.setAttribute("aria-label", t("backtest.progress", { done, total }));
    if (!redraw) return;
    const shown = FIGURES.filter((name) => name in figures);
    byId("report-figures").replaceChildren(...shown.map((name) => element("div", {}, element("dt", { textContent: t(`figure.${name}`) }), element("dd", { className: "tabular", textContent: (WRITTEN[name] ?? ratio)(figures[name]) }))));
    const plots = state === "DONE" ? boot.plots : [];
    byId("report-plots").replaceChildren(...plots.map((plot) => figure(row.id, plot)));
    const files = state === "DONE" ? TABLES : [];
    byId("report-files").replaceChildren(...files.map((table) => element("a", { className: "button button-small button-link", href: `/api/v1/backtests/${row.id}/${table}.csv`, textContent: `${table}.csv` })));
    this.#acts(row);
  }

  #acts({ id, state }) {
    const unfinished = UNFINISHED.includes(state);
    const button = element("button", { type: "button", className: "button button-small", textContent: t(unfinished ? "backtest.cancel" : "backtest.remove") });
    button.addEventListener("click", () => (unfinished ? this.#cancel(id) : this.#remove(id)));
    byId("report-acts").replaceChildren(button);
  }

  async #cancel(id) {
    await post(`backtests/${id}/cancel`, {}).catch((error) => toast(error.text ?? String(error), "", { bad: true }));
    await this.#open(id);
    this.refresh();
  }

  async #remove(id) {
    if (!confirm(t("backtest.remove_question"))) return;
    try {
      await remove(`backtests/${id}`);
      this.#shown = null;
      byId("report").hidden = true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.text, "", { bad: true });
    }
    this.refresh();
  }
}

new Backtests();
