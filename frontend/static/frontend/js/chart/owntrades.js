// The account's own trades in the instrument shown, as marks on the chart.
import { ApiError, get } from "../lib/api.js";

const MOST = 500;

export class OwnTrades {
  #symbol = null;
  #request = 0;

  /** @param {{account: () => object}} desk */
  constructor(chart, book, { account }) {
    this.chart = chart;
    this.account = account;
    book.addEventListener("trades", () => this.refresh());
  }

  /** The trades of another instrument. */
  show(symbol) {
    this.#symbol = symbol;
    this.chart.traded([]);
    return this.refresh();
  }

  async refresh() {
    const [account, symbol, request] = [this.account(), this.#symbol, ++this.#request];
    if (!account || !symbol) return;
    try {
      const { body } = await get(`trades?${new URLSearchParams({ account: account.id, symbol, limit: String(MOST) })}`);
      if (request !== this.#request) return;
      const trades = body.results.map(({ traded_at: at, side, quantity }) => ({ ts: Date.parse(at), side, quantity }));
      this.chart.traded(trades.reverse());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the marks stay; the next trade asks again
    }
  }
}
