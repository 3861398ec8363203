// The strip of totals. Values follow the prices: cash is the broker's, the rest is prices × positions.
import { byId, setText, setTone } from "../lib/dom.js";
import { formatMoney, formatSigned, number } from "../lib/format.js";
import { valuePosition } from "./valuation.js";

export function mountAssets(book, quotes) {
  if (!byId("asset-total")) return;
  const draw = () => {
    const { asset } = book;
    if (!asset) {
      for (const part of ["total", "cash", "frozen", "value", "day", "profit"]) setText(byId(`asset-${part}`), "—");
      return;
    }
    let value = 0;
    let day = 0;
    let profit = 0;
    for (const position of book.positions.values()) {
      const worth = valuePosition(position, quotes.get(position.symbol));
      value += worth.value;
      day += worth.day;
      profit += worth.profit;
    }
    const cash = number(asset.cash);
    const frozen = number(asset.frozen_cash);
    setText(byId("asset-total"), formatMoney(cash + frozen + value));
    setText(byId("asset-cash"), formatMoney(cash));
    setText(byId("asset-frozen"), formatMoney(frozen));
    setText(byId("asset-value"), formatMoney(value));
    for (const [part, amount] of [["day", day], ["profit", profit]]) {
      setText(byId(`asset-${part}`), formatSigned(amount));
      setTone(byId(`asset-${part}`), amount);
    }
  };
  book.addEventListener("asset", draw);
  book.addEventListener("positions", draw);
  quotes.addEventListener("change", draw);
}
