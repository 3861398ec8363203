// Lines on the chart: what the position cost, where it will be left, and where its grid trades.
import { ApiError, get } from "../lib/api.js";
import { t } from "../lib/text.js";

const EVERY_MS = 15_000; // tops and grids move on their own
const GRID_LEVELS = ["sell_above", "center", "buy_below"];

export class Levels {
  #symbol = null;
  #request = 0;

  /** @param {{account: () => object}} desk */
  constructor(chart, book, socket, { account }) {
    this.chart = chart;
    this.book = book;
    this.account = account;
    book.addEventListener("positions", () => this.refresh());
    socket.addEventListener("signals", () => this.refresh());
    setInterval(() => !document.hidden && this.refresh(), EVERY_MS);
  }

  /** The lines of another instrument. */
  show(symbol) {
    this.#symbol = symbol;
    this.chart.mark([]);
    return this.refresh();
  }

  async refresh() {
    const [account, symbol, request] = [this.account(), this.#symbol, ++this.#request];
    if (!account || !symbol) return;
    const held = this.book.positions.get(symbol);
    if (!held) {
      this.chart.mark([]);
      return;
    }
    const query = new URLSearchParams({ account: account.id, symbol });
    try {
      const [triggers, grids] = await Promise.all([get(`exit-plans/triggers?${query}`), get(`grids?${query}&state=open`)]);
      if (request !== this.#request) return;
      this.chart.mark([...exits(triggers.body.results), ...grids.body.results.flatMap(gridLines), ...cost(held)]);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the lines stay as they are; the next round tries again
    }
  }
}

const cost = ({ avg_price: price }) => (Number(price) > 0 ? [{ price, title: t("level.cost"), tone: "--text-3" }] : []);

function exits(rows) {
  const shown = rows.filter(({ enabled, paused }) => enabled && !paused).flatMap(({ levels }) => levels);
  return shown.filter(({ state }) => state !== "later").map(({ kind, price, state }) => ({ price, title: t(`trigger.${kind}`), tone: state === "armed" ? "--amber" : "--accent" }));
}

const gridLines = ({ levels }) => GRID_LEVELS.map((name) => ({ price: levels[name], title: t(`grid.level.${name}`), tone: "--text-2" }));
