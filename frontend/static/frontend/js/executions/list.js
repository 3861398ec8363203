// The executions of an account, newest first, live; what may be done with each.
import { ApiError, explain, post } from "../lib/api.js";
import { drawNamed, nameAndCode } from "../desk/names.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatQuantity, formatStamp } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { Pages } from "../lib/rows.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

const ACTS = { PENDING_APPROVAL: ["cancel"], RUNNING: ["pause", "cancel"], PAUSED: ["resume", "cancel"] };

/** What an execution is about, in a few words. */
export function subject({ kind, legs, quantity }) {
  if (legs.length !== 1) return t("exec.legs", { count: legs.length });
  const [{ symbol, side }] = legs;
  return `${t(`side.${side}`)} ${formatQuantity(quantity)} ${nameAndCode(symbol)}`;
}

/** State badge with what it ends as, and the reason under it. */
export function stateCell(cell, { state, ending, code }) {
  if (!cell.firstElementChild) cell.append(element("span"), element("span", { className: "sub reason" }));
  const [badge, words] = cell.children;
  badge.className = `badge ${{ RUNNING: "badge-active", COMPLETED: "badge-active", PAUSED: "badge-warn", STOPPED: "badge-warn", INCOMPLETE: "badge-warn", PENDING_APPROVAL: "badge-warn" }[state] ?? ""}`;
  badge.dataset.state = state;
  setText(badge, ending ? `${t(`exec.state.${state}`)} → ${t(`exec.state.${ending}`)}` : t(`exec.state.${state}`));
  const reason = code ? explain(code) || code : "";
  setText(words, reason);
  words.title = reason;
}

/** A bar with its figures beside it. */
export function progressCell(cell, { traded_quantity: traded, quantity }) {
  if (!cell.firstElementChild) cell.append(element("progress", { "aria-label": t("exec.progress") }), element("span", { className: "sub num" }));
  const [bar, words] = cell.children;
  bar.max = quantity;
  bar.value = traded;
  setText(words, `${formatQuantity(traded)} / ${formatQuantity(quantity)}`);
}

export class ExecutionList {
  #account = null;
  #rows = new Map();
  #chosen = null;
  #pages = new Pages(byId("executions-more"), (results, first) => this.#take(results, first), (error) => this.#table.fail(error, () => this.refresh()));
  #table = new KeyedTable(
    byId("executions"),
    [
      { className: "card-title tabular", fill: (cell, row) => this.#open(cell, row) },
      { text: ({ kind }) => t(`exec.kind.${kind}`) },
      { text: subject },
      { className: "card-wide", fill: progressCell },
      { className: "card-wide", fill: stateCell },
      { text: ({ strategy }) => strategy || "—" },
      { text: ({ created_by: who }) => who },
      { className: "card-acts", fill: (cell, row) => this.#acts(cell, row) },
    ],
    { empty: byId("executions-empty") },
  );

  /** @param {(execution: object | null, fresh: boolean) => void} chosen  another one was chosen, or it changed */
  constructor(chosen) {
    this.chosen = chosen;
    socket.addEventListener("snapshot", ({ detail }) => detail.channel === this.#channel && this.refresh());
    socket.addEventListener("delta", ({ detail }) => detail.channel === this.#channel && this.#events(detail.events));
  }

  get #channel() {
    return this.#account === null ? "" : `account:${this.#account.id}`;
  }

  show(account) {
    if (this.#account) socket.unsubscribe(this.#channel);
    this.#account = account;
    this.#rows.clear();
    this.#choose(null);
    this.#table.wait();
    socket.subscribe(this.#channel); // its snapshot fills the list
    this.refresh();
  }

  refresh() {
    return this.#pages.load("executions", new URLSearchParams({ account: this.#account.id, limit: "20" }));
  }

  /** Put one in, as its answer told it, and open it. */
  add(execution) {
    this.#rows.set(execution.id, execution);
    this.#draw();
    this.#choose(execution.id);
  }

  #take(results, first) {
    if (first) this.#rows.clear();
    for (const execution of results) if (!(this.#rows.get(execution.id)?.version > execution.version)) this.#rows.set(execution.id, execution);
    this.#draw();
    this.#tell();
  }

  #events(events) {
    const mine = events.filter(({ kind }) => kind === "execution");
    for (const { data } of mine) this.#rows.set(data.id, data);
    if (mine.length) this.#draw();
    // A child's order that moves changes what is shown of the chosen one.
    if (mine.some(({ data }) => data.id === this.#chosen) || events.some(({ kind, data }) => kind === "order" && data.client_order_id?.includes(this.#chosen?.replaceAll("-", "") ?? " "))) this.#tell();
  }

  #draw() {
    const rows = [...this.#rows.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
    const account = this.#account;
    drawNamed(
      this.#table,
      rows.filter(({ legs }) => legs.length === 1).map(({ legs }) => legs[0].symbol),
      () => {
        if (account !== this.#account) return;
        this.#table.render(rows.map((row) => ({ ...row, key: row.id })));
        this.#table.select(this.#chosen);
      },
    );
  }

  #choose(id) {
    this.#chosen = id;
    this.#table.select(id);
    this.#tell();
  }

  #tell() {
    this.chosen(this.#rows.get(this.#chosen) ?? null);
  }

  #open(cell, row) {
    if (cell.firstElementChild) return;
    const button = element("button", { type: "button", className: "row-link", textContent: formatStamp(row.created_at), "aria-label": t("exec.open", { what: `${t(`exec.kind.${row.kind}`)} ${subject(row)}` }) });
    button.addEventListener("click", () => this.#choose(row.id));
    cell.append(button);
  }

  #acts(cell, row) {
    const mine = this.#account.can_trade && (this.#account.can_trade_all || boot.own.includes(row.created_by));
    const wanted = mine ? (ACTS[row.state] ?? []) : [];
    if (cell.dataset.acts === wanted.join()) return; // the same buttons stay: no lost focus
    cell.dataset.acts = wanted.join();
    const buttons = wanted.map((act) => {
      const button = element("button", { type: "button", className: "button button-small", dataset: { act }, textContent: t(`exec.act.${act}`), "aria-label": t("exec.act_of", { act: t(`exec.act.${act}`), what: `${t(`exec.kind.${row.kind}`)} ${subject(row)}` }) });
      button.addEventListener("click", () => this.#act(button, act, row.id));
      return button;
    });
    cell.replaceChildren(element("div", { className: "acts" }, ...buttons));
  }

  async #act(button, act, id) {
    button.disabled = true;
    try {
      const { body } = await post(`executions/${id}/${act}`, {});
      this.#rows.set(id, body);
      this.#draw();
      if (id === this.#chosen) this.#tell();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.text, "", { bad: true });
    }
    button.disabled = false;
  }
}
