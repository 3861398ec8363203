// Importing a file of bars: upload it, look at what it holds, have it stored, watch that.
import { ApiError, get, post, upload } from "../lib/api.js";
import { byId, element, setText } from "../lib/dom.js";
import { formatDateTime, formatQuantity, NONE } from "../lib/format.js";
import { standIn } from "../lib/panelstate.js";
import { Pages } from "../lib/rows.js";
import { hasText, t } from "../lib/text.js";
import { drawProgress, isFinal } from "./jobs.js";

const cell = (text, className = "") => element("td", { className, textContent: text });
const span = ({ first_date: first, last_date: last }) => (first ? `${first} – ${last}` : NONE);
const reason = (code) => (hasText(`problem.${code}`) ? t(`problem.${code}`) : code);

class ImportWizard {
  #shown = null;

  constructor(feed) {
    this.feed = feed;
    this.pages = new Pages(byId("imports-more"), (results, first) => this.#list(results, first), (error) => standIn(byId("imports-empty"), error, () => this.pages.again()));
    byId("import-form").addEventListener("submit", (event) => this.#upload(event));
    byId("confirm").addEventListener("click", () => this.#confirm());
    byId("skip").addEventListener("change", () => this.#mayConfirm());
    feed.addEventListener("change", () => this.#watch());
    this.pages.load("imports");
  }

  async #upload(event) {
    event.preventDefault();
    const button = event.target.querySelector("[type=submit]");
    const body = new FormData(event.target);
    for (const name of ["symbol"]) if (!body.get(name)) body.delete(name);
    button.disabled = true;
    this.#refused(null);
    try {
      const { body: made } = await upload("imports", body);
      this.show(made);
      this.pages.load("imports");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#refused(error);
    } finally {
      button.disabled = false;
    }
  }

  #refused(error) {
    const form = byId("import-form");
    for (const field of form.elements) field.removeAttribute("aria-invalid");
    const named = error?.field && form.elements[error.field];
    if (named) {
      named.setAttribute("aria-invalid", "true");
      named.focus();
    }
    // The code's sentence, and the server's own words: they name the column or the size.
    setText(byId("import-error"), error ? [error.text, error.message].filter((text, at, all) => all.indexOf(text) === at).join(" ") : "");
    byId("import-error").hidden = !error;
  }

  /** Show an import in the state it is in. */
  show(row) {
    this.#shown = row;
    const { preview, state, result } = row;
    const bad = Object.values(preview.problem_counts).reduce((sum, count) => sum + count, 0);
    byId("preview").hidden = false;
    setText(byId("preview-title"), row.file_name);
    setText(byId("preview-state"), t(`import_state.${state}`));
    const words = [t("import.holds", { good: formatQuantity(preview.good_rows), rows: formatQuantity(preview.rows), instruments: formatQuantity(preview.instruments), span: span(preview) })];
    if (bad) words.push(t("import.bad", { bad: formatQuantity(bad) }));
    if (state === "DONE") words.push(t("import.stored", { stored: formatQuantity(result.stored), kept: formatQuantity(result.kept_existing) }));
    if (result.error) words.push(result.error);
    setText(byId("preview-words"), words.join(" "));
    byId("preview-notes").replaceChildren(...preview.notes.map((note) => element("li", { textContent: note })));
    this.#head(preview.head);
    this.#problems(preview, bad);
    byId("skip").checked = false;
    byId("skip-label").hidden = state !== "PREVIEWED" || !bad || !preview.good_rows;
    byId("confirm").hidden = state !== "PREVIEWED";
    this.#mayConfirm();
    byId("import-job").hidden = state !== "CONFIRMED";
    const step = state === "PREVIEWED" ? "look" : "store";
    for (const node of document.querySelectorAll("[data-step]")) {
      if (node.dataset.step === step) node.setAttribute("aria-current", "step");
      else node.removeAttribute("aria-current");
    }
    byId("preview").focus();
  }

  #mayConfirm() {
    const { preview } = this.#shown;
    const bad = Object.keys(preview.problem_counts).length > 0;
    byId("confirm").disabled = !preview.good_rows || (bad && !byId("skip").checked);
  }

  #head(rows) {
    const names = Object.keys(rows[0] ?? {});
    const table = byId("preview-head");
    table.tHead.replaceChildren(element("tr", {}, ...names.map((name) => element("th", { textContent: name || NONE }))));
    table.tBodies[0].replaceChildren(...rows.map((row) => element("tr", {}, ...names.map((name) => cell(row[name], "tabular")))));
  }

  #problems({ problems, problem_counts: counts }, bad) {
    byId("problems-part").hidden = !bad;
    const rows = problems.map((one) => element("tr", {}, cell(formatQuantity(one.line), "num"), cell(one.column ?? NONE), cell(one.value, "wrap"), cell(reason(one.code), "wrap")));
    if (bad > problems.length) {
      const all = Object.entries(counts).map(([code, count]) => `${reason(code)}: ${formatQuantity(count)}`);
      rows.push(element("tr", {}, element("td", { colSpan: 4, className: "wrap muted", textContent: t("import.more_problems", { counts: all.join(", ") }) })));
    }
    byId("problems").tBodies[0].replaceChildren(...rows);
  }

  async #confirm() {
    byId("confirm").disabled = true;
    this.#refused(null);
    try {
      const { body } = await post(`imports/${this.#shown.id}/confirm`, { skip_problems: byId("skip").checked });
      this.show((await get(`imports/${this.#shown.id}`)).body);
      this.feed.put(body);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#refused(error);
      this.#mayConfirm();
    }
  }

  /** The job of the shown import moved: draw it, and ask for the outcome at its end. */
  async #watch() {
    const row = this.#shown;
    const job = row?.state === "CONFIRMED" ? this.feed.jobs.get(row.job) : null;
    if (!job) return;
    drawProgress(byId("import-progress"), job);
    if (!isFinal(job) || row.asked) return;
    row.asked = true;
    try {
      const { body } = await get(`imports/${row.id}`);
      if (this.#shown === row) this.show(body);
      this.pages.load("imports");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      row.asked = false;
    }
  }

  #list(results, first) {
    const body = byId("imports").tBodies[0];
    if (first) body.replaceChildren();
    for (const row of results) {
      const opener = element("button", { type: "button", className: "row-link", textContent: row.file_name });
      opener.addEventListener("click", () => this.show(row));
      body.append(element("tr", {}, cell(formatDateTime(row.created_at), "tabular"), element("td", {}, opener), cell(row.period), cell(t(`import_state.${row.state}`)), cell(formatQuantity(row.preview.good_rows), "num"), cell(span(row.preview), "tabular"), cell(row.owner_label)));
    }
    byId("imports-empty").hidden = body.rows.length > 0;
    setText(byId("imports-empty"), t("import.none"));
  }
}

/** @param {import("./jobfeed.js").JobFeed} feed */
export const mountImport = (feed) => new ImportWizard(feed);
