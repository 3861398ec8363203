// The table of legs: typed or pasted, each with the server's verdict beside it.
import { explain } from "../lib/api.js";
import { boot, byId, element, setText } from "../lib/dom.js";
import { formatMoney, formatQuantity } from "../lib/format.js";
import { t } from "../lib/text.js";
import { legsOf } from "./paste.js";

const MEASURES = ["quantity", "weight", "value"];
const ORDER = { BASKET: ["symbol", "side", "quantity", "price", "price_type"], TARGET: ["symbol", "figure", "price", "price_type"] };
const MOST = 200;

/** A whole number as one; anything else goes to the server as typed. */
export const wholeOf = (text) => (/^\d{1,12}$/.test(text) ? Number(text) : text);

const select = (name, label, options) => element("select", { name, "aria-label": label }, ...options.map(([value, textContent]) => element("option", { value, textContent })));
const input = (name, label, mode = "text") => element("input", { name, inputMode: mode, maxLength: 20, spellcheck: false, autocomplete: "off", "aria-label": label });

export class Legs {
  #table = byId("legs");
  #body = byId("legs").tBodies[0];
  #kind = "BASKET";

  /** @param {() => void} changed  something else is asked for now */
  constructor(changed) {
    this.changed = changed;
    this.#body.addEventListener("input", (event) => this.#edited(event.target.closest("tr")));
    byId("leg-add").addEventListener("click", () => {
      this.#add({}).querySelector("input").focus();
      this.changed();
    });
    byId("legs-clear").addEventListener("click", () => this.clear());
    byId("legs-paste").addEventListener("click", () => this.#paste());
    byId("legs-file").addEventListener("change", (event) => this.#file(event.target));
    this.#table.addEventListener("paste", (event) => this.#pasted(event));
  }

  /** BASKET or TARGET: other columns, no row is kept. */
  is(kind) {
    this.#kind = kind;
    this.#table.dataset.kind = kind;
    setText(byId("paste-order"), t(`exec.paste.${kind}`));
    this.clear();
  }

  clear() {
    this.#body.replaceChildren();
    this.#add({});
    this.changed();
  }

  /** The legs as the request has them; rows without any text are left out. */
  wish() {
    return this.#filled.map((row) => {
      const typed = this.#typed(row);
      const leg = { symbol: typed.symbol, price_type: typed.price_type, price: typed.price || null };
      if (this.#kind === "BASKET") return { ...leg, side: typed.side, quantity: wholeOf(typed.quantity) };
      return { ...leg, [typed.measure]: typed.measure === "quantity" ? wholeOf(typed.figure) : typed.figure };
    });
  }

  /** Show what the server says to each leg of `wish()`. */
  judged(verdicts) {
    this.#forget();
    const rows = this.#filled;
    verdicts.forEach((verdict, turn) => this.#judge(rows[verdict.leg - 1], verdict, turn + 1));
  }

  /** Show a refusal at the leg that its field or symbol names; false when it is about none. */
  refused(error) {
    this.#forget();
    const number = Number(/^legs\[(\d+)\]/.exec(error.field ?? "")?.[1] ?? 0);
    const symbol = error.details.symbol ?? error.details.value;
    const row = number ? this.#filled[number - 1] : this.#filled.find((one) => symbol && this.#typed(one).symbol === symbol);
    if (!row) return false;
    const field = error.field?.split(".")[1];
    this.#say(row, "DENIED", `${explain(error.code, error.details) || error.text}${field ? ` (${field})` : ""}`);
    row.querySelector(`[name="${field}"]`)?.setAttribute("aria-invalid", "true");
    return true;
  }

  get #filled() {
    return [...this.#body.rows].filter((row) => [...row.querySelectorAll("input")].some(({ value }) => value.trim()));
  }

  #typed(row) {
    const typed = {};
    for (const control of row.querySelectorAll("[name]")) typed[control.name] = control.value.trim();
    return typed;
  }

  #add(leg) {
    const number = this.#body.rows.length + 1;
    const label = (key) => t("exec.leg_field", { field: t(`exec.field.${key}`), number });
    const targets = this.#kind === "TARGET";
    const symbol = input("symbol", label("symbol"));
    symbol.placeholder = "600519.SH";
    const what = targets
      ? [select("measure", label("measure"), MEASURES.map((name) => [name, t(`exec.measure.${name}`)])), input("figure", label("figure"), "decimal")]
      : [select("side", label("side"), ["BUY", "SELL"].map((side) => [side, t(`side.${side}`)])), input("quantity", label("quantity"), "numeric")];
    const type = select("price_type", label("price_type"), boot.price_types.map((name) => [name, t(`price_type.${name}`)]));
    type.value = targets ? "LATEST" : "LIMIT";
    const gone = element("button", { type: "button", className: "button button-small", textContent: "×", title: t("exec.leg_remove"), "aria-label": t("exec.leg_remove_of", { number }) });
    const controls = [symbol, ...what, type, input("price", label("price"), "decimal")];
    const row = element("tr", {}, ...controls.map((control) => element("td", {}, control)), element("td", { className: "leg-verdict" }), element("td", {}, gone));
    gone.addEventListener("click", () => {
      row.remove();
      if (!this.#body.rows.length) this.#add({});
      this.changed();
    });
    this.#body.append(row);
    this.#fill(row, leg);
    this.#fitPrice(row);
    return row;
  }

  #fill(row, leg) {
    const measure = MEASURES.find((name) => name in leg);
    if (this.#kind === "TARGET" && measure) row.querySelector("[name=measure]").value = measure;
    const given = { ...leg, figure: leg.figure ?? leg[measure] };
    for (const control of row.querySelectorAll("input, [name=side]")) if (given[control.name]) control.value = given[control.name];
    const type = row.querySelector("[name=price_type]");
    // Without a word about it: a price is a limit, none means the last one.
    if (Object.keys(leg).length) type.value = boot.price_types.includes(leg.price_type) ? leg.price_type : leg.price ? "LIMIT" : "LATEST";
  }

  #edited(row) {
    this.#fitPrice(row);
    this.#forget();
    this.changed();
  }

  /** The last price takes no price of ours; the other kinds may need one as protection. */
  #fitPrice(row) {
    const price = row.querySelector("[name=price]");
    price.disabled = row.querySelector("[name=price_type]").value === "LATEST";
    if (price.disabled) price.value = "";
  }

  #take(text) {
    const legs = legsOf(text, ORDER[this.#kind]).slice(0, MOST);
    if (!legs.length) return;
    for (const row of [...this.#body.rows]) if (!this.#filled.includes(row)) row.remove();
    for (const leg of legs) this.#add(leg);
    this.#forget();
    this.changed();
  }

  #paste() {
    const box = byId("legs-text");
    this.#take(box.value);
    box.value = "";
    byId("paste-box").open = false;
  }

  /** Several cells pasted into one field are legs. */
  #pasted(event) {
    const text = event.clipboardData?.getData("text") ?? "";
    if (!/[\t\n]/.test(text.trim())) return;
    event.preventDefault();
    this.#take(text);
  }

  async #file(box) {
    const [file] = box.files;
    if (file) this.#take(await file.text());
    box.value = "";
    byId("paste-box").open = false;
  }

  #forget() {
    for (const node of this.#body.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
    for (const cell of this.#body.querySelectorAll(".leg-verdict")) cell.replaceChildren();
  }

  #judge(row, { verdict, code, facts, side, quantity, name, note, cost }, turn) {
    if (!row) return;
    const words = [name];
    if (this.#kind === "TARGET") {
      words.push(t("exec.target", { held: formatQuantity(note.held), target: formatQuantity(note.target) }));
      if (quantity) words.push(`${t(`side.${side}`)} ${formatQuantity(quantity)}`);
      if (note.short) words.push(t("exec.short", { short: formatQuantity(note.short) }));
    }
    if (verdict === "DENIED") words.push(explain(code, facts) || code);
    else if (cost) words.push(t("exec.leg_cost", { amount: formatMoney(cost.amount), fees: formatMoney(cost.fees) }));
    this.#say(row, verdict, words.filter(Boolean).join(" · "), verdict === "NOTHING" ? "" : t("exec.turn", { turn }));
  }

  #say(row, verdict, words, turn = "") {
    const badge = element("span", { className: `badge ${verdict === "PASSED" ? "badge-active" : verdict === "DENIED" ? "badge-warn" : ""}`, dataset: { verdict }, textContent: t(`exec.verdict.${verdict}`) });
    row.querySelector(".leg-verdict").replaceChildren(badge, ...(turn ? [" ", element("span", { className: "muted", textContent: turn })] : []), element("span", { className: "leg-words", textContent: words }));
  }
}
