// Approval rules as sentences, and for officers the editor with each rule's history.
import { ApiError, get, patch, post } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatStamp } from "../lib/format.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { sentence } from "./sentence.js";

const TARGETS = { PLATFORM: [], USER: ["user"], ACCOUNT: ["account"], USER_ACCOUNT: ["user", "account"], STRATEGY: ["strategy"] };
const ticked = (form, name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map(({ value }) => value);
/** What is no whole number goes to the server as typed: its refusal names the field. */
const whole = (text, factor = 1) => (/^\d{1,6}$/.test(text) ? Number(text) * factor : text);

export class Rules {
  #editor = boot.officer ? new Editor(() => this.refresh()) : null;
  #table = new KeyedTable(
    byId("rules"),
    [
      { text: ({ id }) => `#${id}` },
      { className: "wrap", text: sentence },
      { className: "wrap", text: ({ note }) => note },
      { text: ({ enabled }) => t(enabled ? "rules.on" : "rules.off") },
      { className: "tabular", text: ({ updated_at: at, updated_by: who }) => `${formatStamp(at)} · ${who}` },
      { fill: (cell, rule) => this.#edit(cell, rule) },
    ],
    { empty: byId("rules-empty") },
  );

  constructor() {
    byId("rule-new")?.addEventListener("click", () => this.#editor.open(null));
  }

  async refresh() {
    try {
      const { body } = await get("approval-rules");
      this.#table.render(body.results.map((rule) => ({ ...rule, key: `${rule.id}.${rule.version}` })));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.text, "", { bad: true });
    }
  }

  #edit(cell, rule) {
    cell.parentElement?.classList.toggle("off", !rule.enabled);
    if (this.#editor === null || cell.firstElementChild) return;
    const button = element("button", { type: "button", className: "button button-small", textContent: t("rules.edit"), "aria-label": t("rules.edit_of", { id: rule.id }) });
    button.addEventListener("click", () => this.#editor.open(rule));
    cell.append(button);
  }
}

class Editor {
  #dialog = byId("rule-dialog");
  #form = byId("rule-form");
  #rule = null;

  constructor(saved) {
    this.saved = saved;
    this.#form.addEventListener("input", () => this.#fit());
    this.#form.addEventListener("submit", (event) => this.#save(event));
    this.#form.querySelector("[data-close]").addEventListener("click", () => this.#dialog.close());
  }

  get #error() {
    return this.#form.querySelector(".form-error");
  }

  async open(rule) {
    this.#rule = rule;
    this.#form.reset();
    showRefusal(this.#error);
    setText(byId("rule-dialog-title"), rule === null ? t("rules.new") : t("rules.edit_of", { id: rule.id }));
    byId("rule-what").hidden = rule !== null;
    byId("rule-history").hidden = true;
    this.#form.elements.enabled.checked = rule?.enabled ?? true;
    if (rule !== null) this.#fill(rule);
    this.#fit();
    this.#dialog.showModal();
    if (rule !== null) await this.#history(rule.id);
  }

  #fill(rule) {
    const { min_value: value, symbols, expires, max_drift_percent: drift, note } = this.#form.elements;
    value.value = rule.min_value ?? "";
    symbols.value = rule.symbols.join(", ");
    expires.value = rule.expires_seconds === null ? "" : String(rule.expires_seconds / 60);
    drift.value = rule.max_drift_percent ?? "";
    note.value = rule.note;
    for (const name of ["sides", "sources"]) for (const box of this.#form.querySelectorAll(`[name=${name}]`)) box.checked = rule[name].includes(box.value);
  }

  /** The rule as it stands in the form. */
  #wish() {
    const { scope, account, user, strategy, min_value: value, symbols, expires, max_drift_percent: drift, note, enabled } = this.#form.elements;
    const targets = TARGETS[scope.value];
    const minutes = expires.value.trim();
    return {
      conditions: {
        min_value: value.value.trim() || null,
        symbols: symbols.value.toUpperCase().split(/[\s,，;；]+/).filter(Boolean),
        sides: ticked(this.#form, "sides"),
        sources: ticked(this.#form, "sources"),
        expires_seconds: minutes ? whole(minutes, 60) : null,
        max_drift_percent: drift.value.trim() || null,
        enabled: enabled.checked,
        note: note.value.trim(),
      },
      targets: {
        scope: scope.value,
        ...(targets.includes("account") ? { account: Number(account.value) } : {}),
        ...(targets.includes("user") ? { user: user.value } : {}),
        ...(targets.includes("strategy") ? { strategy: strategy.value.trim() } : {}),
      },
    };
  }

  /** Only the targets that the scope has; and what the rule says, in words, while it is made. */
  #fit() {
    const wanted = TARGETS[this.#form.elements.scope.value];
    for (const name of ["account", "user", "strategy"]) byId(`rule-${name}`).hidden = !wanted.includes(name);
    const { conditions, targets } = this.#wish();
    const seconds = typeof conditions.expires_seconds === "number" ? conditions.expires_seconds : null;
    setText(byId("rule-sentence"), sentence({ account: null, user: null, strategy: "", ...(this.#rule ?? targets), ...conditions, expires_seconds: seconds }));
  }

  async #save(event) {
    event.preventDefault();
    const { conditions, targets } = this.#wish();
    const rule = this.#rule;
    const send = () => (rule === null ? post("approval-rules", { ...targets, ...conditions }) : patch(`approval-rules/${rule.id}`, { version: rule.version, ...conditions }));
    if (!(await attempt(this.#form.querySelector("[type=submit]"), this.#error, send))) return;
    this.#dialog.close();
    toast(t("rules.saved"));
    this.saved();
  }

  async #history(id) {
    const { body } = await get(`approval-rules/${id}`).catch(() => ({ body: null }));
    if (body === null || this.#rule?.id !== id) return;
    const lines = [...body.history].reverse().map(({ version, at, by, after }) => element("li", {}, element("div", { textContent: t("rules.version", { version, when: formatStamp(at), who: by }) }), element("span", { className: "muted", textContent: `${t(after.enabled ? "rules.on" : "rules.off")} · ${sentence(after)}` })));
    byId("rule-history").hidden = lines.length === 0;
    byId("rule-history").querySelector("ol").replaceChildren(...lines);
  }
}
