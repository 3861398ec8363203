// What a position is worth at the newest price. For the eye only: nothing here decides an order.
import { number } from "../lib/format.js";

/**
 * Value, profit and day change of a position.
 *
 * Shares held overnight earn the move since the previous close; shares bought today earn the move since their price,
 * for which the average cost stands in.
 */
export function valuePosition(position, quote) {
  const last = number(quote?.last ?? position.last_price);
  const cost = number(position.avg_price);
  const previous = number(quote?.pre_close);
  const quantity = position.quantity;
  const overnight = Math.min(position.yesterday ?? quantity, quantity);
  const bought = quantity - overnight;
  const move = Number.isFinite(previous) && previous > 0 ? last - previous : 0;
  return {
    last,
    cost,
    value: last > 0 ? last * quantity : number(position.market_value) || 0,
    profit: last > 0 && Number.isFinite(cost) ? (last - cost) * quantity : 0,
    profitRatio: last > 0 && cost > 0 ? last / cost - 1 : NaN,
    day: move * overnight + (last > 0 && Number.isFinite(cost) ? (last - cost) * bought : 0),
    dayRatio: Number.isFinite(previous) && previous > 0 && last > 0 ? last / previous - 1 : NaN,
  };
}
