// The strategies that lie there, and a form's fields for what one of them declares.
import { ApiError, get } from "../lib/api.js";
import { element, setText, toast } from "../lib/dom.js";
import { t } from "../lib/text.js";

/** A form's choice of strategy, with its periods and parameters. */
export class Catalogue {
  #strategies = new Map();

  /** @param {HTMLFormElement} form @param {HTMLElement} fields @param {HTMLElement} about */
  constructor(form, fields, about) {
    this.form = form;
    this.fields = fields;
    this.about = about;
    form.elements.strategy.addEventListener("change", () => this.#chosen());
  }

  async load() {
    try {
      const { body } = await get("strategies");
      this.#strategies = new Map(body.results.map((strategy) => [strategy.name, strategy]));
      const options = body.results.map(({ name, title, problem }) => element("option", { value: name, textContent: title || name, disabled: Boolean(problem) }));
      this.form.elements.strategy.replaceChildren(...options);
      this.#chosen();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.text, "", { bad: true });
    }
  }

  get #chosenOne() {
    return this.#strategies.get(this.form.elements.strategy.value);
  }

  #chosen() {
    const strategy = this.#chosenOne;
    setText(this.about, strategy ? aboutText(strategy) : t("strategy.none"));
    if (!strategy) return;
    this.form.elements.period.replaceChildren(...strategy.periods.map((period) => element("option", { value: period, textContent: t(`period.${period}`) })));
    this.fields.replaceChildren(...strategy.parameters.map(field));
  }

  /** What is chosen and typed; the server reads it strictly and names what is wrong. */
  wish() {
    const { strategy, symbols, period, capital } = this.form.elements;
    const parameters = {};
    for (const declared of this.#chosenOne?.parameters ?? []) parameters[declared.name] = valueOf(this.form, declared);
    return {
      strategy: strategy.value,
      symbols: symbols.value.split(/[\s,;]+/).filter(Boolean),
      period: period.value,
      capital: capital.value.trim().replaceAll(",", ""),
      parameters,
    };
  }
}

const aboutText = ({ text, version, problem }) => [problem && t("strategy.unusable", { problem }), text.split("\n")[0], t("strategy.version", { digest: version.slice(0, 12) })].filter(Boolean).join(" · ");

const inputName = (name) => `parameter.${name}`;

function field(declared) {
  const name = inputName(declared.name);
  const title = element("span", { textContent: declared.name });
  const hint = element("span", { className: "hint", textContent: [declared.help, rangeText(declared)].filter(Boolean).join(" · ") });
  if (declared.kind === "flag") return element("label", {}, title, element("input", { type: "checkbox", name, checked: declared.default }), hint);
  if (declared.kind === "choice") {
    const select = element("select", { name }, ...declared.options.map((option) => element("option", { value: option, textContent: option })));
    select.value = declared.default;
    return element("label", {}, title, select, hint);
  }
  return element("label", {}, title, element("input", { name, value: String(declared.default), inputMode: declared.kind === "integer" ? "numeric" : "decimal", maxLength: 20 }), hint);
}

function rangeText({ minimum, maximum }) {
  if (minimum !== undefined && maximum !== undefined) return t("range.between", { least: minimum, most: maximum });
  if (minimum !== undefined) return t("range.from", { least: minimum });
  return maximum === undefined ? "" : t("range.to", { most: maximum });
}

/** Numbers as numbers; what is none goes as typed, and is refused by name. */
function valueOf(form, { name, kind }) {
  const input = form.elements[inputName(name)];
  if (kind === "flag") return input.checked;
  const text = input.value.trim();
  if (kind === "integer") return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  if (kind === "number") return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  return text;
}
