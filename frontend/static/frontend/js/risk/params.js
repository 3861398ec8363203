// The parameters of limits: how each is typed, read back and told.
import { element } from "../lib/dom.js";
import { t } from "../lib/text.js";

const control = {
  sides: (value = ["SELL"]) =>
    element("select", { multiple: true, size: 2 }, ...["BUY", "SELL"].map((side) => element("option", { value: side, textContent: t(`side.${side}`), selected: value.includes(side) }))),
  symbols: (value = []) => element("input", { value: value.join(", "), spellcheck: false }),
  from: (value = "09:30") => element("input", { type: "time", step: "1", value }),
  to: (value = "14:57") => element("input", { type: "time", step: "1", value }),
  minimum: (value = "") => element("input", { inputMode: "numeric", value: String(value) }),
  warn: (value = "") => element("input", { inputMode: "decimal", value: String(value) }),
  reduce: (value = false) => element("input", { type: "checkbox", checked: value }),
};

const read = {
  sides: (input) => [...input.selectedOptions].map((option) => option.value),
  symbols: (input) => input.value.split(/[\s,，;；]+/).filter(Boolean),
  from: (input) => input.value,
  to: (input) => input.value,
  // What is no number goes to the server as typed: its refusal names the field.
  minimum: (input) => (/^\d{1,7}$/.test(input.value.trim()) ? Number(input.value) : input.value.trim()),
  warn: (input) => input.value.trim(),
  reduce: (input) => input.checked,
};

/** One labelled field per parameter of a kind. */
export function paramFields(names, values = {}) {
  return names.map((name) => {
    const input = control[name](values[name]);
    input.name = `params.${name}`;
    const words = element("span", { textContent: t(`param.${name}`) });
    return input.type === "checkbox" ? element("label", { className: "check" }, input, words) : element("label", { className: "field" }, words, input);
  });
}

/** The parameters as typed; an optional one that was left empty is not sent. */
export function paramsOf(form, params) {
  const wanted = {};
  for (const [name, required] of Object.entries(params)) {
    const value = read[name](form.elements[`params.${name}`]);
    if (required || (value !== "" && value !== false)) wanted[name] = value;
  }
  return wanted;
}

const told = {
  sides: (sides) => sides.map((side) => t(`side.${side}`)).join(", "),
  symbols: (symbols) => (symbols.length > 6 ? `${symbols.slice(0, 6).join(", ")} … (${symbols.length})` : symbols.join(", ")),
  reduce: (value) => (value ? t("param.reduce") : ""),
};

/** The parameters in words. */
export function paramWords(params) {
  return Object.entries(params)
    .map(([name, value]) => (told[name] ? told[name](value) : `${t(`param.${name}`)}: ${value}`))
    .filter(Boolean)
    .join(" · ");
}
