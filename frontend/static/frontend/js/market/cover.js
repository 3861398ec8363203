// One instrument's coverage of one period: figures, missing stretches, proofs, and the order to complete it.
import { ApiError, get, post } from "../lib/api.js";
import { element, setText, toast } from "../lib/dom.js";
import { formatDateTime, formatQuantity, formatStamp, NONE } from "../lib/format.js";
import { t } from "../lib/text.js";

const cell = (text, className = "") => element("td", { className, textContent: text });
const day = (milliseconds) => (milliseconds === null ? NONE : formatStamp(milliseconds).slice(0, 10));

export class CoverPanel {
  #turn = 0;

  /** @param {HTMLElement} root holds what the template `market/_cover.html` names with `data-cover` */
  constructor(root) {
    this.root = root;
    this.complete = this.#part("complete");
    this.complete.addEventListener("click", () => this.#sync());
  }

  /** Show an instrument and period, in words while it loads and when it cannot be read. */
  async show(symbol, period, name = "") {
    const turn = (this.#turn += 1);
    Object.assign(this, { symbol, period });
    setText(this.#part("title"), `${symbol} ${name} · ${period}`);
    setText(this.#part("words"), t("coverage.loading"));
    this.#part("job").hidden = true;
    this.complete.hidden = true;
    const query = new URLSearchParams({ symbols: symbol, period });
    try {
      const [coverage, missing] = await Promise.all([get(`coverage?${query}`), get(`coverage/missing?${query}`)]);
      if (turn === this.#turn) this.#draw(coverage.body.results[0], missing.body.results);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#turn) setText(this.#part("words"), t("coverage.failed", { reason: error.text }));
    }
  }

  #part(name) {
    return this.root.querySelector(`[data-cover="${name}"]`);
  }

  #draw(row, missing) {
    const proven = row.suspended + row.source_empty + row.source_depth;
    setText(this.#part("title"), `${row.symbol} ${row.name} · ${row.period}`);
    setText(this.#part("words"), t("coverage.summary", { present: formatQuantity(row.present), expected: formatQuantity(row.expected), proven: formatQuantity(proven), missing: formatQuantity(row.missing) }));
    const facts = { first: day(row.first_ts), last: day(row.last_ts), suspended: formatQuantity(row.suspended), empty: formatQuantity(row.source_empty), depth: formatQuantity(row.source_depth), sync: formatDateTime(row.last_sync_at), host: row.host || NONE, note: row.note || NONE };
    for (const [name, text] of Object.entries(facts)) setText(this.#part(name), text);
    this.complete.hidden = row.missing === 0;
    this.complete.disabled = false;
    const gaps = missing.map((gap) => element("tr", {}, cell(gap.start_date, "tabular"), cell(gap.end_date, "tabular"), cell(formatQuantity(gap.days), "num")));
    this.#rows("gaps", gaps, t("coverage.complete", { symbol: row.symbol }));
    const proofs = row.evidence.map((proof) =>
      element("tr", {}, cell(proof.start_date, "tabular"), cell(proof.end_date, "tabular"), cell([t(`evidence.${proof.reason}`), proof.detail].filter(Boolean).join(": "), "wrap"), cell(`${proof.host} ${proof.sdk_version}`), cell(formatQuantity(proof.checks), "num"), cell(formatDateTime(proof.recorded_at), "tabular"), cell(formatDateTime(proof.recheck_at), "tabular")),
    );
    this.#rows("proofs", proofs, t("coverage.no_evidence"));
  }

  #rows(name, rows, nothing) {
    const body = this.#part(name).tBodies[0];
    const empty = element("tr", {}, element("td", { className: "muted", colSpan: 7, textContent: nothing }));
    body.replaceChildren(...(rows.length ? rows : [empty]));
  }

  async #sync() {
    this.complete.disabled = true;
    try {
      const { body } = await post("sync", { symbols: [this.symbol], period: this.period });
      if (!body.job) {
        toast(t("coverage.done"));
        await this.show(this.symbol, this.period);
        return;
      }
      const link = this.#part("job");
      link.href = `/data/#job=${body.job.id}`;
      link.hidden = false;
      this.root.dispatchEvent(new CustomEvent("asked", { detail: body.job }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.complete.disabled = false;
      toast(error.text, "", { bad: true });
    }
  }
}
