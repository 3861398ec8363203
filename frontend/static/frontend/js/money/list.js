// The transfers of the accounts, newest first, live; what may be done with each.
import { explain, get } from "../lib/api.js";
import { boot, byId, element, setText } from "../lib/dom.js";
import { formatMoney, formatStamp, NONE } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { attempt } from "../lib/refusal.js";
import { Pages } from "../lib/rows.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { actButtons, actsOn, facts, wording } from "./words.js";

const BADGE = { DONE: "badge-active", QUEUED: "badge-active", SENDING: "badge-active", PENDING_APPROVAL: "badge-warn", UNKNOWN: "badge-live", REJECTED: "badge-warn", FAILED: "badge-warn", NOT_MOVED: "badge-warn" };
const accountOf = (id) => boot.accounts.find((account) => account.id === id);
const nameOf = (id) => accountOf(id)?.name ?? String(id);
const reasonOf = ({ code, message }) => [code && (explain(code) || code), message].filter(Boolean).join(" · ");

export class TransferList {
  #rows = new Map();
  #account = byId("filter-account");
  #status = byId("filter-status");
  #table = new KeyedTable(
    byId("transfers"),
    [
      { className: "card-title", fill: (cell, row) => this.#open(cell, row) },
      { text: ({ account }) => nameOf(account) },
      { text: ({ kind }) => t(`transfer_kind.${kind}`) },
      { className: "num", text: ({ amount }) => formatMoney(amount) },
      { className: "wrap card-wide", text: ({ note }) => note },
      { className: "wrap card-wide", fill: statusCell },
      { text: ({ created_by: who }) => who },
      { text: ({ decided_by: who, resolved_by: settled }) => [who, settled].filter(Boolean).join(", ") || NONE },
      { className: "card-acts", fill: (cell, row) => this.#acts(cell, row) },
    ],
    { empty: byId("transfers-empty") },
  );
  #pages = new Pages(
    byId("transfers-more"),
    (results, first) => {
      if (first) this.#rows.clear();
      for (const transfer of results) this.#rows.set(transfer.id, transfer);
      this.#draw();
    },
    (error) => this.#table.fail(error, () => this.refresh()),
  );

  /** @param {(act: string, transfer: object, accountName: string) => void} act  somebody wants to do this with it */
  constructor(act) {
    this.act = act;
    for (const filter of [this.#account, this.#status]) filter.addEventListener("change", () => this.#begin());
    this.#table.wait();
    for (const { id } of boot.accounts) socket.subscribe(`account:${id}`);
    socket.addEventListener("snapshot", () => this.refresh());
    socket.addEventListener("delta", ({ detail }) => detail.events.filter(({ kind }) => kind === "transfer").forEach(({ data }) => this.put(data)));
  }

  /** Other filters: what was shown is not what is asked for. */
  #begin() {
    this.#rows.clear();
    this.#table.wait();
    this.refresh();
  }

  refresh() {
    const query = new URLSearchParams({ limit: "50" });
    if (this.#account.value) query.set("account", this.#account.value);
    if (this.#status.value) query.set("status", this.#status.value);
    return this.#pages.load("transfers", query);
  }

  /** Show a transfer as it stands now, if the filters let it through. */
  put(transfer) {
    const fits = accountOf(transfer.account) && (!this.#account.value || transfer.account === Number(this.#account.value)) && (!this.#status.value || transfer.status === this.#status.value);
    if (fits) this.#rows.set(transfer.id, transfer);
    else this.#rows.delete(transfer.id);
    this.#draw();
  }

  #draw() {
    const rows = [...this.#rows.values()].filter(({ account }) => accountOf(account)).sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
    this.#table.render(rows.map((row) => ({ ...row, key: row.id })));
  }

  #open(cell, row) {
    if (cell.firstElementChild) return;
    const button = element("button", { type: "button", className: "row-link tabular", textContent: formatStamp(row.created_at), "aria-label": t("transfer.open", { what: `${wording(row)}, ${formatStamp(row.created_at)}` }) });
    button.addEventListener("click", () => this.#steps(this.#rows.get(row.id) ?? row, button));
    cell.append(button);
  }

  #acts(cell, row) {
    const wanted = actsOn(row, { own: boot.own, mover: accountOf(row.account)?.can_move_money });
    if (cell.dataset.acts === wanted.join()) return; // the same buttons stay: no lost focus
    cell.dataset.acts = wanted.join();
    const buttons = actButtons(wanted, row, (act) => this.act(act, this.#rows.get(row.id) ?? row, nameOf(row.account)));
    cell.replaceChildren(...(buttons.length ? [element("div", { className: "acts" }, ...buttons)] : []));
  }

  /** What became of it, step by step. */
  async #steps(row, button) {
    setText(byId("steps-title"), wording(row));
    byId("steps-facts").replaceChildren(...facts(row, nameOf(row.account)));
    byId("steps").replaceChildren();
    byId("steps-dialog").showModal();
    await attempt(button, byId("steps-error"), async () => {
      const { body } = await get(`transfers/${row.id}`);
      byId("steps").replaceChildren(...body.steps.map(stepItem));
    });
  }
}

function stepItem({ status, by, at, facts: told }) {
  const words = t("transfer.step_by", { who: by, when: formatStamp(at) });
  return element("li", {}, t(`transfer_status.${status}`), element("span", { className: "sub", textContent: [words, told.note, told.code && explain(told.code)].filter(Boolean).join(" · ") }));
}

function statusCell(cell, row) {
  if (!cell.firstElementChild) cell.append(element("span"), element("span", { className: "sub reason" }));
  const [badge, words] = cell.children;
  badge.className = `badge ${BADGE[row.status] ?? ""}`;
  badge.dataset.status = row.status;
  setText(badge, t(`transfer_status.${row.status}`));
  setText(words, row.status === "PENDING_APPROVAL" ? t("transfer.expires", { when: formatStamp(row.expires_at) }) : reasonOf(row));
  words.title = words.textContent;
}
