// Where our books and the broker disagree, with both values; officers settle with an entry.
import { get, post } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatStamp } from "../lib/format.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { Pages } from "../lib/rows.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

const ASK_AGAIN_MS = 1000;
const ASK_TIMES = 20;

export class Differences {
  #account = null;
  #state = "OPEN";
  #rows = [];
  #buttons = document.querySelectorAll("button[data-state]");
  #resolution = boot.may_resolve ? new Resolution(() => this.refresh()) : null;
  #table = new KeyedTable(
    byId("differences"),
    [
      { className: "tabular", text: (row) => row.trade_date },
      { text: (row) => t(`difference.${row.kind}`) },
      { text: (row) => row.what },
      { className: "num", text: (row) => row.ours },
      { className: "num", text: (row) => row.theirs },
      { fill: stateCell },
      { className: "tabular", text: (row) => formatStamp(row.first_seen_at) },
      { className: "wrap", text: (row) => [row.note, row.settled_at && t("differences.settled", { who: row.settled_by ?? "—", when: formatStamp(row.settled_at) })].filter(Boolean).join(" · ") },
      { fill: (cell, row) => this.#resolveCell(cell, row) },
    ],
    { empty: byId("differences-empty") },
  );
  #pages = new Pages(byId("differences-more"), (results, first) => {
    this.#rows = first ? results : [...this.#rows, ...results];
    this.#table.render(this.#rows.map((row) => ({ ...row, what: row.key, key: `${row.id}.${row.state}` })));
  }, (error) => this.#table.fail(error, () => this.refresh()));

  constructor() {
    for (const button of this.#buttons) button.addEventListener("click", () => this.#choose(button));
    byId("compare").addEventListener("click", ({ target }) => this.#compare(target));
  }

  show(account) {
    this.#account = account;
    byId("compare").hidden = !account.can_halt;
    return this.refresh();
  }

  async refresh() {
    const { id } = this.#account;
    this.#pages.load(`accounts/${id}/differences`, new URLSearchParams(this.#state ? { state: this.#state } : {}));
    try {
      const { body } = await get(`accounts/${id}/reconciliation`);
      if (id === this.#account.id) this.#told(body);
    } catch (error) {
      showRefusal(byId("differences-error"), error);
    }
  }

  #told({ reconciled_at: at, differences: count, restricted, message }) {
    const symbols = Object.keys(restricted).join(", ");
    const words = [at === null ? t("differences.never") : t("differences.compared", { when: formatStamp(at), count }), message, symbols && t("differences.restricted", { symbols })];
    setText(byId("compared"), words.filter(Boolean).join(" "));
  }

  async #compare(button) {
    const { id } = this.#account;
    await attempt(button, byId("differences-error"), async () => {
      setText(byId("compared"), t("differences.asked"));
      const { body: wanted } = await post(`accounts/${id}/reconciliation`);
      for (let turn = 0; turn < ASK_TIMES; turn += 1) {
        await new Promise((wake) => setTimeout(wake, ASK_AGAIN_MS));
        const { body } = await get(`accounts/${id}/reconciliation`);
        if (body.reconciled_at !== null && body.reconciled_at >= wanted.wanted_at) break;
      }
    });
    if (id === this.#account.id) this.refresh();
  }

  #choose(button) {
    this.#state = button.dataset.state;
    for (const one of this.#buttons) one.setAttribute("aria-pressed", String(one === button));
    this.refresh();
  }

  #resolveCell(cell, row) {
    if (this.#resolution === null || row.state !== "OPEN" || cell.firstElementChild) return;
    const button = element("button", { type: "button", className: "button button-small", textContent: t("differences.resolve"), "aria-label": t("differences.resolve_of", { key: row.what }) });
    button.addEventListener("click", () => this.#resolution.open(row));
    cell.append(button);
  }
}

class Resolution {
  #dialog = byId("resolve-dialog");
  #form = byId("resolve-form");
  #row = null;

  constructor(settled) {
    this.settled = settled;
    this.#form.addEventListener("submit", (event) => this.#settle(event));
    this.#form.querySelector("[data-close]").addEventListener("click", () => this.#dialog.close());
  }

  open(row) {
    this.#row = row;
    this.#form.reset();
    showRefusal(this.#form.querySelector(".form-error"));
    setText(byId("resolve-title"), t("differences.resolve_of", { key: row.what }));
    setText(byId("resolve-both"), t("differences.both", row));
    this.#dialog.showModal();
  }

  async #settle(event) {
    event.preventDefault();
    const { kind, price, note } = this.#form.elements;
    const wish = { kind: kind.value, note: note.value.trim(), ...(price.value.trim() ? { price: price.value.trim() } : {}) };
    const { account, id } = this.#row;
    const done = await attempt(this.#form.querySelector("[type=submit]"), this.#form.querySelector(".form-error"), () => post(`accounts/${account}/differences/${id}/resolve`, wish));
    if (!done) return;
    this.#dialog.close();
    toast(t("differences.taken"));
    this.settled();
  }
}

function stateCell(cell, { state }) {
  if (!cell.firstElementChild) cell.append(element("span"));
  const badge = cell.firstElementChild;
  badge.className = `badge ${state === "OPEN" ? "badge-warn" : ""}`;
  badge.dataset.state = state;
  setText(badge, t(`difference_state.${state}`));
}
