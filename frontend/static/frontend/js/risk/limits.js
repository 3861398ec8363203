// Every limit the person may see, and for officers the editor with each limit's history.
import { ApiError, get, patch, post } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatStamp } from "../lib/format.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { KeyedTable } from "../lib/table.js";
import { hasText, t } from "../lib/text.js";
import { figureIn } from "../lib/units.js";
import { paramFields, paramsOf, paramWords } from "./params.js";

const KINDS = new Map(boot.kinds.map((kind) => [kind.kind, kind]));
const TARGETS = { PLATFORM: [], USER: ["user"], ACCOUNT: ["account"], USER_ACCOUNT: ["user", "account"], STRATEGY: ["strategy"] };
const accountName = (id) => boot.accounts.find((account) => account.id === id)?.name ?? `#${id}`;

/** Whom a limit is about, in words. */
function targetWords({ scope, account, user, strategy }) {
  const names = [user, account !== null && accountName(account), strategy].filter(Boolean);
  return names.length ? names.join(" · ") : t(scope === "PLATFORM" ? "limits.everyone" : `limit_scope.${scope}`);
}

const validity = ({ valid_from: from, valid_to: until }) => [from && t("limits.from", { from: formatStamp(from) }), until && t("limits.until", { until: formatStamp(until) })].filter(Boolean).join(" ");

/** What the installation put in says so in the person's language. */
const noteWords = (note) => (note === "default" ? t("limits.default") : note);

export class Limits {
  #table;
  #editor = boot.officer ? new Editor(() => this.refresh()) : null;

  constructor(changed) {
    this.changed = changed;
    this.#table = new KeyedTable(
      byId("limits"),
      [
        { className: "card-title", text: (limit) => t(`limit.${limit.kind}`) },
        { className: "wrap", text: targetWords },
        { className: "num", text: ({ kind, value }) => (value === null ? "—" : figureIn(value, KINDS.get(kind).unit)) },
        { className: "wrap", text: (limit) => [paramWords(limit.params), validity(limit), noteWords(limit.note)].filter(Boolean).join(" · ") },
        { text: (limit) => t(limit.enabled ? "limits.on" : "limits.off") },
        { className: "tabular", text: (limit) => `${formatStamp(limit.updated_at)} · ${limit.updated_by}` },
        { className: "card-acts", fill: (cell, limit) => this.#edit(cell, limit) },
      ],
      { empty: byId("limits-empty") },
    );
    this.#table.wait();
    byId("limit-new")?.addEventListener("click", () => this.#editor.open(null));
  }

  async refresh() {
    try {
      const { body } = await get("risk/limits");
      this.#table.render(body.results.map((limit) => ({ ...limit, key: `${limit.id}.${limit.version}` })));
      this.changed();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#table.fail(error, () => this.refresh());
    }
  }

  #edit(cell, limit) {
    cell.parentElement?.classList.toggle("off", !limit.enabled);
    if (this.#editor === null || cell.firstElementChild) return;
    const button = element("button", { type: "button", className: "button button-small", textContent: t("limits.edit"), "aria-label": t("limits.edit_of", { id: limit.id, kind: t(`limit.${limit.kind}`) }) });
    button.addEventListener("click", () => this.#editor.open(limit));
    cell.append(button);
  }
}

class Editor {
  #dialog = byId("limit-dialog");
  #form = byId("limit-form");
  #limit = null;

  constructor(saved) {
    this.saved = saved;
    this.#form.elements.kind.append(...boot.kinds.map(({ kind }) => element("option", { value: kind, textContent: t(`limit.${kind}`) })));
    this.#form.elements.kind.addEventListener("change", () => this.#fit());
    this.#form.elements.scope.addEventListener("change", () => this.#fit(false));
    this.#form.addEventListener("submit", (event) => this.#save(event));
    this.#form.querySelector("[data-close]").addEventListener("click", () => this.#dialog.close());
  }

  async open(limit) {
    this.#limit = limit;
    const { kind, scope, value, note, enabled } = this.#form.elements;
    this.#form.reset();
    showRefusal(this.#error);
    byId("limit-what").hidden = limit !== null;
    byId("limit-history").hidden = true;
    if (limit === null) {
      setText(byId("limit-dialog-title"), t("limits.new"));
      kind.value = "ORDER_VALUE";
      enabled.checked = true;
    } else {
      setText(byId("limit-dialog-title"), `${t(`limit.${limit.kind}`)} · ${targetWords(limit)}`);
      kind.value = limit.kind;
      scope.value = limit.scope;
      value.value = limit.value ?? "";
      note.value = limit.note;
      enabled.checked = limit.enabled;
    }
    this.#fit();
    this.#dialog.showModal();
    if (limit !== null) await this.#history(limit.id);
  }

  get #error() {
    return this.#form.querySelector(".form-error");
  }

  get #kind() {
    return KINDS.get(this.#form.elements.kind.value);
  }

  /** Only the fields that the kind and the scope have. */
  #fit(params = true) {
    const { scope, value } = this.#form.elements;
    for (const option of scope.options) option.disabled = this.#kind.account_only && !["PLATFORM", "ACCOUNT"].includes(option.value);
    if (scope.selectedOptions[0]?.disabled) scope.value = "PLATFORM";
    for (const name of ["account", "user", "strategy"]) byId(`limit-${name}`).hidden = !TARGETS[scope.value].includes(name);
    byId("limit-value").hidden = !this.#kind.has_value;
    const { unit } = this.#kind;
    setText(byId("limit-value").querySelector("span"), unit === "%" || hasText(`unit.${unit}`) ? t("limits.value_in", { unit: unit === "%" ? "%" : t(`unit.${unit}`) }) : t("limits.value"));
    value.inputMode = this.#kind.whole ? "numeric" : "decimal";
    if (params) byId("limit-params").replaceChildren(...paramFields(Object.keys(this.#kind.params), this.#limit?.params));
  }

  async #save(event) {
    event.preventDefault();
    const form = this.#form.elements;
    const wish = { params: paramsOf(this.#form, this.#kind.params), note: form.note.value.trim(), enabled: form.enabled.checked };
    if (this.#kind.has_value) wish.value = form.value.value.trim().replaceAll(",", "") || null;
    const done = await attempt(this.#form.querySelector("[type=submit]"), this.#error, () => {
      if (this.#limit !== null) return patch(`risk/limits/${this.#limit.id}`, { ...wish, version: this.#limit.version });
      const targets = Object.fromEntries(TARGETS[form.scope.value].map((name) => [name, name === "account" ? Number(form.account.value) : form[name].value.trim()]));
      return post("risk/limits", { ...wish, ...targets, kind: form.kind.value, scope: form.scope.value });
    });
    if (!done) return;
    this.#dialog.close();
    toast(t("limits.saved"));
    this.saved();
  }

  async #history(id) {
    const { body } = await get(`risk/limits/${id}`).catch(() => ({ body: null }));
    if (body === null || this.#limit?.id !== id) return;
    const lines = body.history.map(({ version, at, by, after }) => element("li", {}, element("div", { textContent: t("limits.version", { version, when: formatStamp(at), who: by }) }), element("span", { className: "muted", textContent: [after.value !== null && figureIn(after.value, this.#kind.unit), paramWords(after.params), t(after.enabled ? "limits.on" : "limits.off"), after.note].filter(Boolean).join(" · ") })));
    byId("limit-history").hidden = lines.length === 0;
    byId("limit-history").querySelector("ol").replaceChildren(...lines.reverse());
  }
}
