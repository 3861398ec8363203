// The chosen account as the server tells it: a snapshot, then versioned events applied in order.

const UNFINISHED = new Set([
  "PENDING_APPROVAL", "QUEUED", "SUBMITTING", "SUBMITTED", "REPORTED", "PARTIALLY_FILLED", "PENDING_CANCEL", "UNKNOWN",
]);

const PARTS = ["asset", "positions", "orders", "trades", "executions"];

export const isWorking = (order) => UNFINISHED.has(order.status);

export class Book extends EventTarget {
  loaded = false; // whether a snapshot has come: until then nothing is known, which is not the same as nothing
  asset = null;
  positions = new Map();
  orders = new Map();
  trades = new Map();
  executions = new Map();

  clear() {
    this.loaded = false;
    this.asset = null;
    this.positions.clear();
    this.orders.clear();
    this.trades.clear();
    this.executions.clear();
    this.#changed(PARTS);
  }

  load(data) {
    this.loaded = true;
    this.asset = data.asset;
    this.positions = new Map(data.positions.map((position) => [position.symbol, position]));
    this.orders = new Map(data.orders.map((order) => [order.id, order]));
    this.trades = new Map(data.trades.map((trade) => [trade.id, trade]));
    this.executions = new Map(data.executions.map((execution) => [execution.id, execution]));
    this.#changed(PARTS);
  }

  apply(events) {
    const touched = new Set();
    for (const { kind, data } of events) {
      if (kind === "order") {
        const before = this.orders.get(data.id);
        this.orders.set(data.id, data);
        touched.add("orders");
        this.dispatchEvent(new CustomEvent("order", { detail: { before, order: data } }));
      } else if (kind === "trade") {
        this.trades.set(data.id, data);
        touched.add("trades");
      } else if (kind === "asset") {
        this.asset = data;
        touched.add("asset");
      } else if (kind === "position") {
        if (data.quantity === 0) this.positions.delete(data.symbol);
        else this.positions.set(data.symbol, data);
        touched.add("positions");
      } else if (kind === "execution") {
        this.executions.set(data.id, data);
        touched.add("executions");
      } else if (kind === "account") {
        this.dispatchEvent(new CustomEvent("account", { detail: data }));
      }
    }
    this.#changed([...touched]);
  }

  #changed(parts) {
    for (const part of parts) this.dispatchEvent(new Event(part));
  }
}
