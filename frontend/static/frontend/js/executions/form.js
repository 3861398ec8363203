// Asking for an execution: judged by the server first, confirmed with its cost, started once.
import { ApiError, post } from "../lib/api.js";
import { byId, element, setText, toast } from "../lib/dom.js";
import { showRefusal } from "../lib/refusal.js";
import { t } from "../lib/text.js";
import { Legs, wholeOf } from "./legs.js";
import { summary } from "./preview.js";

const TABLES = new Set(["BASKET", "TARGET"]);

export class ExecutionForm {
  #form = byId("execution-form");
  #result = byId("execution-result");
  #error = byId("execution-error");
  #account = null;
  #attempt = null; // {fingerprint, key, sent}: one key names one execution for ever, a changed wish gets another
  #busy = false;
  #legs = new Legs(() => this.#changed());

  /** @param {(execution: object) => void} started */
  constructor(started) {
    this.started = started;
    for (const button of byId("execution-kinds").querySelectorAll("button")) button.addEventListener("click", () => this.#is(button.dataset.kind));
    this.#form.addEventListener("input", () => this.#changed());
    this.#single("price_type").addEventListener("change", () => this.#fitPrice());
    byId("execution-check").addEventListener("click", () => this.#run(() => this.#judge()));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#run(() => this.#start());
    });
    this.#is("BASKET");
  }

  show(account) {
    this.#account = account;
    byId("execution-forbidden").hidden = account.can_trade;
    this.#rights();
    this.#changed();
  }

  get #kind() {
    return this.#form.dataset.kind;
  }

  #rights() {
    for (const id of ["execution-check", "execution-start"]) byId(id).disabled = this.#busy || !this.#account?.can_trade;
  }

  #is(kind) {
    this.#form.dataset.kind = kind;
    for (const button of byId("execution-kinds").querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    byId("execution-legs").hidden = !TABLES.has(kind);
    byId("execution-single").hidden = TABLES.has(kind);
    for (const field of this.#form.querySelectorAll("[data-only]")) field.hidden = field.dataset.only !== kind;
    setText(byId("execution-hint"), t(`exec.hint.${kind}`));
    if (TABLES.has(kind)) this.#legs.is(kind);
    this.#fitPrice();
    this.#changed();
  }

  #fitPrice() {
    const input = this.#single("price");
    input.disabled = this.#single("price_type").value === "LATEST";
    if (input.disabled) input.value = "";
  }

  /** The single order's control of a name that the table's rows have too. */
  #single(name) {
    return byId("execution-single").querySelector(`[name="${name}"]`);
  }

  #changed() {
    this.#result.replaceChildren();
    showRefusal(this.#error);
  }

  #wish() {
    const kind = this.#kind;
    const strategy = this.#form.elements.strategy.value.trim();
    const wish = { account: this.#account.id, kind, ...(strategy ? { strategy } : {}) };
    if (TABLES.has(kind)) return { ...wish, legs: this.#legs.wish() };
    const text = (name) => this.#single(name).value.trim();
    Object.assign(wish, { symbol: text("symbol").toUpperCase(), side: text("side"), quantity: wholeOf(text("quantity")), price_type: text("price_type"), price: text("price") || null });
    if (kind === "SPLIT") return { ...wish, child_quantity: wholeOf(text("child_quantity")) };
    return { ...wish, slices: wholeOf(text("slices")), ends_at: text("ends_at"), ...(text("starts_at") ? { starts_at: text("starts_at") } : {}) };
  }

  /** One thing at a time; what the server refuses is shown at the leg it is about, else above the buttons. */
  async #run(act) {
    if (this.#busy) return;
    this.#busy = true;
    this.#rights();
    this.#changed();
    try {
      await act();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#refused(error);
    } finally {
      this.#busy = false;
      this.#rights();
    }
  }

  #refused(error) {
    if (error.status >= 400 && error.status < 500) this.#attempt = null; // refused: nothing was stored
    if (this.#attempt?.sent) setText(this.#error, t("exec.unknown"));
    else if (TABLES.has(this.#kind) && this.#legs.refused(error)) setText(this.#error, t("exec.see_legs"));
    else showRefusal(this.#error, error);
    this.#error.hidden = false;
  }

  async #judge() {
    const { body } = await post("executions/check", this.#wish());
    const tabled = TABLES.has(this.#kind);
    if (tabled) this.#legs.judged(body.legs);
    this.#result.replaceChildren(...summary(body, { withLegs: !tabled }));
    return body;
  }

  async #start() {
    const wish = this.#wish();
    const fingerprint = JSON.stringify(wish);
    if (this.#attempt?.fingerprint !== fingerprint) this.#attempt = { fingerprint, key: crypto.randomUUID(), sent: false };
    // Asked for before without an answer: its money may be promised to itself already, so judging says nothing.
    if (!this.#attempt.sent) {
      const verdict = await this.#judge();
      if (!verdict.accepted || !(await this.#agreed(verdict))) return;
    }
    this.#attempt.sent = true;
    const answer = await post("executions", { ...wish, client_execution_id: this.#attempt.key });
    this.#attempt = null;
    const waits = answer.body.state === "PENDING_APPROVAL";
    toast(t(waits ? "exec.held" : "exec.started"), `${t(`exec.kind.${answer.body.kind}`)} · ${this.#account.name}`);
    this.#form.reset();
    this.#is(this.#kind);
    this.started(answer.body);
  }

  /** The last look: account, what is traded, the cost by item. */
  #agreed(verdict) {
    const dialog = byId("execution-dialog");
    const trading = verdict.legs.filter(({ quantity }) => quantity);
    const count = (side) => trading.filter((leg) => leg.side === side).length;
    setText(byId("execution-dialog-title"), t("exec.confirm", { kind: t(`exec.kind.${verdict.kind}`), account: this.#account.name }));
    const words = t("exec.confirm_legs", { sales: count("SELL"), buys: count("BUY") });
    byId("execution-dialog-body").replaceChildren(element("p", { textContent: words }), ...summary(verdict, { withLegs: false }).slice(1));
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "start"), { once: true }));
  }
}
