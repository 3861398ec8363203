// The parts of one job: an instrument and period each, asked for again while the job moves.
import { ApiError, get } from "../lib/api.js";
import { byId, element, setText, toast } from "../lib/dom.js";
import { formatDateTime, formatQuantity } from "../lib/format.js";
import { symbolCell } from "../lib/symbols.js";
import { KeyedTable } from "../lib/table.js";
import { hasText, t } from "../lib/text.js";

const PAGE = 100;
const PAUSE_MS = 1500;

const missing = ({ ranges }) => ranges.slice(0, 2).map(([first, last]) => (first === last ? first : `${first} – ${last}`)).join(", ") + (ranges.length > 2 ? ` … (${ranges.length})` : "");

function drawTrouble(cell, item) {
  if (!cell.firstElementChild) cell.append(element("span"), element("span", { className: "reason sub" }));
  const [kind, words] = cell.children;
  setText(kind, hasText(`trouble.${item.trouble}`) ? t(`trouble.${item.trouble}`) : item.trouble);
  const waits = item.status === "PENDING" && item.attempts > 0 ? t("job.next_try", { when: formatDateTime(item.not_before) }) : "";
  setText(words, [item.error, waits].filter(Boolean).join(" · "));
  words.title = item.error;
}

export class JobItems {
  #job = null;
  #items = new Map();
  #cursor = null;
  #timer = null;
  #turn = 0;

  constructor() {
    this.table = new KeyedTable(byId("items"), [
      { className: "tabular", fill: symbolCell },
      { text: (item) => item.period },
      {
        fill: (cell, item) => {
          cell.dataset.status = item.status;
          setText(cell, t(`item.${item.status}`));
        },
      },
      { className: "num", text: (item) => formatQuantity(item.days) },
      { className: "tabular", text: missing },
      { className: "num", text: (item) => formatQuantity(item.attempts) },
      { className: "num", text: (item) => formatQuantity(item.rows_stored) },
      { fill: drawTrouble },
      { text: (item) => item.source_host },
      { className: "tabular", text: (item) => formatDateTime(item.updated_at) },
    ]);
    byId("items-status").addEventListener("change", () => this.show(this.#job));
    byId("items-more").addEventListener("click", () => this.#fetch({ more: true }));
  }

  /** Show the parts of a job, null for a job without any. */
  show(job) {
    this.#job = job;
    this.#items.clear();
    this.#cursor = null;
    byId("items-wrap").hidden = byId("items-form").hidden = !job;
    if (job) this.#fetch();
    else {
      this.#turn += 1;
      byId("items-more").hidden = true;
      byId("items-empty").hidden = false;
      setText(byId("items-empty"), t("job.no_parts"));
    }
  }

  /** The job moved: look again, at most every second and a half, and at once when it has ended. */
  moved(ended) {
    if (!this.#job || (this.#timer && !ended)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#fetch();
      },
      ended ? 0 : PAUSE_MS,
    );
  }

  async #fetch({ more = false } = {}) {
    const turn = (this.#turn += 1);
    if (!this.#job) return;
    const query = new URLSearchParams({ limit: PAGE });
    const status = byId("items-status").value;
    if (status) query.set("status", status);
    if (more && this.#cursor) query.set("cursor", this.#cursor);
    try {
      const { body } = await get(`jobs/${this.#job.id}/items?${query}`);
      if (turn !== this.#turn) return;
      if (!more && this.#items.size <= PAGE) {
        this.#items.clear();
        this.#cursor = body.next;
      }
      if (more) this.#cursor = body.next;
      // Rows beyond the first page keep their place; a filter by state may let some of them be old for a moment.
      for (const item of body.results) this.#items.set(item.id, { ...item, key: item.id });
      this.table.render([...this.#items.values()]);
      byId("items-more").hidden = !this.#cursor;
      byId("items-empty").hidden = this.#items.size > 0;
      setText(byId("items-empty"), t("job.items.none"));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.text, "", { bad: true });
    }
  }
}
