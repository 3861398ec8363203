// Replacing a working order: its cancel, then a new order for what it left over; and how both are told apart.
import { post } from "../lib/api.js";
import { byId, setText, toast } from "../lib/dom.js";
import { formatQuantity } from "../lib/format.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { t } from "../lib/text.js";

const CHILD = /^exec:([0-9a-f]{32}):/;

export class Replacements {
  #dialog = byId("replace-dialog");
  #form = byId("replace-form");
  #order = null;
  #attempt = null; // {fingerprint, key}: one key names one replacement for ever, other terms get another

  constructor(book) {
    this.book = book;
    this.#form.addEventListener("submit", (event) => this.#send(event));
    this.#form.addEventListener("input", () => this.#fit());
    this.#form.querySelector("[data-close]").addEventListener("click", () => this.#dialog.close());
  }

  open(order, name) {
    const { price, quantity } = this.#form.elements;
    this.#order = order;
    setText(byId("replace-title"), t("replace.title", { side: t(`side.${order.side}`), name }));
    price.value = order.price ?? "";
    quantity.value = String(order.quantity);
    showRefusal(byId("replace-error"));
    this.#fit();
    this.#dialog.showModal();
  }

  /** What is said about an order that is replaced or replaces another: text, and the other order's id. */
  words(order) {
    const old = [...this.book.executions.values()].find(({ replaces }) => replaces === order.id);
    if (old) {
      const [next] = [...this.book.orders.values()].filter(({ client_order_id: key }) => executionOf(key) === old.id);
      if (next) return { text: t("replace.by", { number: next.order_id || "…" }), other: next.id };
      return { text: old.final_at === null ? t("replace.running") : t("replace.not", { reason: old.legs[0]?.code || old.code || t(`status.${order.status}`) }), other: null };
    }
    const parent = this.book.executions.get(executionOf(order.client_order_id));
    if (!parent?.replaces) return null;
    return { text: t("replace.of", { number: this.book.orders.get(parent.replaces)?.order_id || "…" }), other: parent.replaces };
  }

  #fit() {
    const { traded_quantity: traded } = this.#order;
    const whole = Number(this.#form.elements.quantity.value.trim());
    setText(byId("replace-left"), Number.isInteger(whole) && whole >= traded ? t("replace.left", { traded: formatQuantity(traded), left: formatQuantity(whole - traded) }) : "");
  }

  async #send(event) {
    event.preventDefault();
    const { price, quantity } = this.#form.elements;
    const text = quantity.value.trim();
    const wish = {
      price_type: "LIMIT",
      price: price.value.trim() || null,
      // What is not a whole number goes to the server as typed: its refusal names the field.
      quantity: /^\d{1,12}$/.test(text) ? Number(text) : text,
    };
    const fingerprint = JSON.stringify([this.#order.id, wish]);
    if (this.#attempt?.fingerprint !== fingerprint) this.#attempt = { fingerprint, key: crypto.randomUUID() };
    const request = { ...wish, client_execution_id: this.#attempt.key };
    if (!(await attempt(byId("replace-send"), byId("replace-error"), () => post(`orders/${this.#order.id}/replace`, request)))) return;
    this.#attempt = null;
    this.#dialog.close();
    toast(t("replace.asked"), t("replace.asked_more"));
  }
}

/** The id of the execution whose child has this key, or "". */
function executionOf(key) {
  const match = CHILD.exec(key ?? "");
  return match ? match[1].replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5") : "";
}
