// One execution: its legs with their progress, and every child with its order.
import { ApiError, explain, get } from "../lib/api.js";
import { byId, element, setText } from "../lib/dom.js";
import { drawNamed, nameOf } from "../desk/names.js";
import { symbolCell } from "../lib/symbols.js";
import { formatMoney, formatQuantity, formatStamp, formatTime } from "../lib/format.js";
import { KeyedTable } from "../lib/table.js";
import { hasText, t } from "../lib/text.js";
import { progressCell, stateCell, subject } from "./list.js";

const PAUSE_MS = 250;
const EVERY_MS = 5000;
const priceOf = ({ price, price_type: type }) => [type === "LIMIT" ? "" : t(`price_type.${type}`), price ?? ""].filter(Boolean).join(" ");
const fact = (key, value) => element("div", {}, element("dt", { textContent: t(key) }), element("dd", { textContent: value }));

export class ExecutionDetail {
  #execution = null;
  #timer = null;
  #turn = 0;
  #legs = new KeyedTable(byId("execution-leg-rows"), [
    { className: "card-title", fill: symbolCell },
    { text: ({ side }) => t(`side.${side}`), tone: ({ side }) => (side === "BUY" ? "up" : "down") },
    { className: "num", text: priceOf },
    { fill: progressCell },
    { className: "num", text: ({ traded_amount: amount }) => formatMoney(amount) },
    { className: "wrap", text: legWords },
  ]);
  #children = new KeyedTable(
    byId("execution-children"),
    [
      { className: "card-title", fill: symbolCell },
      { className: "num", text: ({ number }) => String(number) },
      { className: "tabular", text: ({ created_at: at }) => formatTime(at) },
      { fill: progressCell },
      { fill: childState },
      { className: "wrap", text: ({ code }) => (code ? explain(code) || code : "") },
    ],
    { empty: byId("execution-children-empty") },
  );

  constructor() {
    setInterval(() => this.#execution?.final_at === null && !document.hidden && this.#fetch(), EVERY_MS);
  }

  /** Show this one, or nothing; called again whenever it moved. */
  show(execution) {
    const other = execution?.id !== this.#execution?.id;
    this.#execution = execution;
    byId("execution-panel").hidden = execution === null;
    clearTimeout(this.#timer);
    if (execution === null) return;
    this.#head(execution);
    if (other) this.#children.render([]);
    // Several events of one moment are one question.
    this.#timer = setTimeout(() => this.#fetch(), other ? 0 : PAUSE_MS);
  }

  #head(execution) {
    setText(byId("execution-title"), `${t(`exec.kind.${execution.kind}`)} · ${subject(execution)}`);
    stateCell(byId("execution-state"), execution);
    const { created_at: at, created_by: who, strategy, starts_at: from, ends_at: until, slices, child_quantity: size, final_at: ended } = execution;
    byId("execution-facts").replaceChildren(
      fact("exec.fact.accepted", `${formatStamp(at)} · ${who}`),
      ...(strategy ? [fact("exec.fact.strategy", strategy)] : []),
      ...(until ? [fact("exec.fact.window", `${formatTime(from)} – ${formatTime(until)} · ${t("exec.slices", { count: slices })}`)] : []),
      ...(size ? [fact("exec.fact.child", formatQuantity(size))] : []),
      ...(ended ? [fact("exec.fact.ended", formatStamp(ended))] : []),
    );
    const legs = execution.legs.map((leg) => ({ ...leg, key: String(leg.number) }));
    drawNamed(
      this.#legs,
      legs.map(({ symbol }) => symbol),
      () => this.#execution?.id === execution.id && this.#legs.render(legs.map((leg) => ({ ...leg, name: nameOf(leg.symbol) }))),
    );
  }

  async #fetch() {
    const { id } = this.#execution;
    const turn = (this.#turn += 1);
    try {
      const { body } = await get(`executions/${id}`);
      if (turn !== this.#turn || this.#execution?.id !== id) return;
      this.#execution = body;
      this.#head(body);
      const symbols = new Map(body.legs.map((leg) => [leg.number, leg.symbol]));
      this.#children.render(body.children.map((child) => ({ ...child, symbol: symbols.get(child.leg), name: nameOf(symbols.get(child.leg)), key: `${child.leg}.${child.number}` })).reverse());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // what is shown stays; the next round comes
    }
  }
}

function legWords({ ended, code, note }) {
  const words = [code ? explain(code) || code : ended ? t("exec.leg_done") : ""];
  if ("target" in note) words.push(t("exec.target", { held: formatQuantity(note.held), target: formatQuantity(note.target) }));
  return words.filter(Boolean).join(" · ");
}

function childState(cell, { status, void: given }) {
  if (!cell.firstElementChild) cell.append(element("span", { className: "badge" }));
  const badge = cell.firstElementChild;
  const key = given ? "exec.child.void" : status === null ? "exec.child.decided" : `status.${status}`;
  badge.dataset.status = status ?? "";
  setText(badge, hasText(key) ? t(key) : String(status));
}
