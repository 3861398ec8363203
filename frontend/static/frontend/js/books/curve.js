// Equity at each close, as a line and as a table.
import { AreaSeries, createChart } from "../../vendor/lightweight-charts.mjs";
import { ApiError, get } from "../lib/api.js";
import { byId, setText, tone } from "../lib/dom.js";
import { formatMoney, formatSigned, number } from "../lib/format.js";
import { KeyedTable } from "../lib/table.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Curve {
  #account = null;
  #chart = null;
  #line = null;
  #none = byId("curve-empty").textContent; // the page's words where no date was closed
  #table = new KeyedTable(byId("curve-table"), [
    { className: "tabular", text: (row) => row.date },
    { className: "num", text: (row) => formatMoney(row.equity) },
    { className: "num", text: (row) => formatSigned(number(row.profit)), tone: (row) => tone(number(row.profit)) },
    { className: "num", text: (row) => formatSigned(number(row.profit_total)), tone: (row) => tone(number(row.profit_total)) },
    { className: "num", text: (row) => formatMoney(row.drawdown) },
  ]);

  constructor() {
    document.addEventListener("themechange", () => this.#paint());
  }

  async show(account) {
    if (this.#account && this.#account.id !== account.id) for (const id of ["curve", "curve-details", "curve-empty"]) byId(id).hidden = true;
    this.#account = account;
    try {
      const { body } = await get(`accounts/${account.id}/equity-curve`);
      if (account.id === this.#account.id) this.#draw(body.results);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (account.id === this.#account.id) this.#failed(error);
    }
  }

  /** Why there is no curve, in its place; one of the same account that is drawn stays. */
  #failed(error) {
    if (!byId("curve").hidden) return;
    setText(byId("curve-empty"), error.text);
    byId("curve-empty").hidden = false;
  }

  #draw(points) {
    setText(byId("curve-empty"), this.#none);
    byId("curve-empty").hidden = points.length > 0;
    for (const id of ["curve", "curve-details"]) byId(id).hidden = points.length === 0;
    this.#table.render([...points].reverse().map((point) => ({ ...point, key: point.date })));
    if (!points.length) return;
    this.#chart ??= this.#create();
    this.#line.setData(points.map(({ date, equity }) => ({ time: date, value: number(equity) })));
    this.#chart.timeScale().fitContent();
  }

  #create() {
    const chart = createChart(byId("curve"), { autoSize: true, layout: { attributionLogo: false, fontSize: 11 }, rightPriceScale: { borderVisible: false }, timeScale: { borderVisible: false } });
    this.#line = chart.addSeries(AreaSeries, { lineWidth: 2, priceFormat: { type: "custom", formatter: formatMoney } });
    this.#chart = chart;
    this.#paint();
    return chart;
  }

  #paint() {
    if (this.#chart === null) return;
    const line = css("--line");
    this.#chart.applyOptions({ layout: { background: { color: css("--surface") }, textColor: css("--text-3") }, grid: { vertLines: { color: line }, horzLines: { color: line } } });
    this.#line.applyOptions({ lineColor: css("--accent"), topColor: css("--accent-soft"), bottomColor: css("--surface") });
  }
}
