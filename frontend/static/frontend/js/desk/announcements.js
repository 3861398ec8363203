// Tells about orders that reached an end while the person looks elsewhere: each by itself, or many of one moment in one sentence.
import { toast } from "../lib/dom.js";
import { formatQuantity } from "../lib/format.js";
import { t } from "../lib/text.js";
import { nameOf } from "./names.js";

const ENDS = new Set(["FILLED", "REJECTED", "UNKNOWN", "NOT_FOUND", "PARTIALLY_CANCELLED", "CANCELLED", "EXPIRED"]);
const GOOD = new Set(["FILLED", "CANCELLED"]);
const PAUSE_MS = 300;
const MOST = 3; // more at once are counted: a basket of 100 must not be read aloud for minutes

export class Announcements {
  #waiting = new Map(); // id -> order
  #timer = null;

  /** Hear of an order that changed; `before` is null for one that was not known. */
  hear(before, order) {
    if (!before || before.status === order.status || !ENDS.has(order.status)) return;
    this.#waiting.set(order.id, order);
    this.#timer ??= setTimeout(() => this.#tell(), PAUSE_MS);
  }

  #tell() {
    const orders = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#timer = null;
    if (orders.length <= MOST) orders.forEach(tellOne);
    else tellMany(orders);
  }
}

function tellOne(order) {
  const words = [nameOf(order.symbol) || order.symbol, t(`side.${order.side}`), t(`status.${order.status}`)];
  toast(words.join(" · "), order.message || `${formatQuantity(order.traded_quantity)} / ${formatQuantity(order.quantity)}`, { bad: !GOOD.has(order.status) });
}

function tellMany(orders) {
  const counts = new Map();
  for (const { status } of orders) counts.set(status, (counts.get(status) ?? 0) + 1);
  const words = [...counts].map(([status, count]) => `${t(`status.${status}`)} ${count}`);
  toast(t("orders.many", { count: orders.length }), words.join(" · "), { bad: orders.some(({ status }) => !GOOD.has(status)), seconds: 12 });
}
