// The numbers of an exit plan as fields, each with its range. Fractions stay fractions: what is typed is what is sent.
import { boot, element } from "../lib/dom.js";
import { t } from "../lib/text.js";

const GROUPS = [
  ["stop_loss", ["stop_loss_drop"]],
  ["first_take_profit", ["first_gain", "first_callback", "first_share"]],
  ["trailing", ["trailing_floor_drop", "trailing_steps"]],
  ["add", ["add_drop_from", "add_drop_to", "add_amount", "add_position_limit", "add_min_amount", "add_cooldown_seconds"]],
];
const EXECUTION = ["signal_seconds", "repeat_seconds", "max_drift", "order_timeout_seconds", "stop_loss_timeout_seconds", "max_requotes"];
const STEPS = "trailing_steps";

const stepsText = (steps) => steps.map(([gain, factor]) => `${gain}=${factor}`).join("  ");
const stepsRead = (text) => text.split(/[\s,;]+/).filter(Boolean).map((pair) => pair.split("="));

const grouped = (text) => Number(text).toLocaleString("en-US", { maximumFractionDigits: 6 });

function field(name, value) {
  const range = boot.ranges[name];
  const whole = typeof boot.terms[name] === "number";
  const input = element("input", { name, value: name === STEPS ? stepsText(value) : String(value), inputMode: whole ? "numeric" : "decimal", maxLength: name === STEPS ? 400 : 16 });
  const hint = range ? [element("span", { className: "hint", textContent: t("range.between", { least: grouped(range[0]), most: grouped(range[1]) }) })] : [];
  return element("label", { className: name === STEPS ? "field wide" : "field" }, element("span", { textContent: t(`term.${name}`) }), input, ...hint);
}

/** Fields for every number of `terms`, rule by rule. */
export function termFields(terms) {
  const groups = GROUPS.map(([rule, names]) => {
    const check = element("input", { type: "checkbox", name: rule, checked: terms[rule] });
    const legend = element("legend", {}, element("label", {}, check, element("span", { textContent: t(`term.${rule}`) })));
    return element("fieldset", { className: "terms" }, legend, element("div", { className: "pair" }, ...names.map((name) => field(name, terms[name]))));
  });
  return [...groups, element("fieldset", { className: "terms" }, element("legend", { textContent: t("term.execution") }), element("div", { className: "pair" }, ...EXECUTION.map((name) => field(name, terms[name]))))];
}

/** What is typed; the server reads it strictly and names what is wrong. */
export function termsOf(form) {
  const terms = {};
  for (const [rule, names] of GROUPS) {
    terms[rule] = form.elements[rule].checked;
    for (const name of names) terms[name] = value(form, name);
  }
  for (const name of EXECUTION) terms[name] = value(form, name);
  return terms;
}

function value(form, name) {
  const text = form.elements[name].value.trim();
  if (name === STEPS) return stepsRead(text);
  return typeof boot.terms[name] === "number" && /^\d{1,9}$/.test(text) ? Number(text) : text;
}
