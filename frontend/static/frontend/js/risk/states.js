// Trading states of the platform, of accounts and of persons; to loosen one takes a typed word.
import { ApiError, get, post } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatStamp } from "../lib/format.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

const STRICTNESS = ["ACTIVE", "REDUCING", "HALTED"];
const PLATFORM_WORD = "PLATFORM";

export class States {
  #dialog = byId("state-dialog");
  #form = byId("state-form");
  #row = null;
  #table = new KeyedTable(byId("states"), [
    { className: "wrap", text: (row) => row.name },
    { fill: stateCell },
    { className: "wrap", text: (row) => row.reason },
    { fill: (cell, row) => this.#acts(cell, row) },
  ]);

  constructor(changed) {
    this.changed = changed;
    this.#table.wait();
    this.#form.addEventListener("submit", (event) => this.#set(event));
    this.#form.elements.state.addEventListener("change", () => this.#fit());
    this.#form.querySelector("[data-close]").addEventListener("click", () => this.#dialog.close());
  }

  async refresh() {
    try {
      const [{ body: above }, { body: accounts }] = await Promise.all([get("trading-states"), get("accounts")]);
      this.#table.render([...this.#above(above), ...accounts.results.map(accountRow)]);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#table.fail(error, () => this.refresh());
    }
  }

  #above({ platform, platform_reason: reason, platform_changed_at: at, platform_changed_by: by, persons }) {
    const people = new Map(Object.entries(persons));
    if (!people.has(boot.user)) people.set(boot.user, "ACTIVE");
    if (boot.officer) for (const person of boot.people) if (!people.has(person)) people.set(person, "ACTIVE");
    const rows = [...people].sort(([a], [b]) => a.localeCompare(b)).map(([person, state]) => personRow(person, state));
    return [{ key: "platform", name: t("states.platform"), state: platform, reason: [reason, since(at, by)].filter(Boolean).join(" · "), word: PLATFORM_WORD, user: null, may: boot.officer, may_loosen: boot.officer }, ...rows];
  }

  #acts(cell, row) {
    if (row.link) {
      if (row.may && !cell.firstElementChild) cell.append(element("a", { className: "button button-link button-small", href: row.link, textContent: t("states.set"), "aria-label": t("states.set_of", { subject: row.name }) }));
      return;
    }
    cell.replaceChildren();
    if (!row.may) return;
    const button = element("button", { type: "button", className: "button button-small", textContent: t("states.set"), "aria-label": t("states.set_of", { subject: row.name }) });
    button.addEventListener("click", () => this.#open(row));
    cell.append(button);
  }

  #open(row) {
    this.#row = row;
    this.#form.reset();
    showRefusal(this.#error);
    setText(byId("state-dialog-title"), t("states.set_of", { subject: row.name }));
    this.#form.elements.state.value = row.state;
    for (const option of this.#form.elements.state.options) option.disabled = !row.may_loosen && STRICTNESS.indexOf(option.value) < STRICTNESS.indexOf(row.state);
    this.#fit();
    this.#dialog.showModal();
  }

  get #error() {
    return this.#form.querySelector(".form-error");
  }

  /** The word is asked for only where more is allowed than before. */
  #fit() {
    const { state, confirm } = this.#form.elements;
    const loosens = STRICTNESS.indexOf(state.value) < STRICTNESS.indexOf(this.#row.state);
    confirm.closest("label").hidden = !loosens;
    setText(byId("state-word"), t("states.type", { word: this.#row.word }));
  }

  async #set(event) {
    event.preventDefault();
    const { state, reason, confirm } = this.#form.elements;
    const { user, name } = this.#row;
    const wish = { state: state.value, reason: reason.value.trim(), confirm: confirm.value.trim(), ...(user === null ? {} : { user }) };
    const done = await attempt(this.#form.querySelector("[type=submit]"), this.#error, () => post("trading-states", wish));
    if (!done) return;
    this.#dialog.close();
    toast(t("states.done", { subject: name, state: t(`state.${state.value}`) }));
    this.refresh();
    this.changed();
  }
}

function personRow(person, state) {
  const myself = person === boot.user;
  return { key: `person.${person}`, name: myself ? t("states.myself", { name: person }) : person, state, reason: "", word: person, user: person, may: boot.officer || myself, may_loosen: boot.officer && (!myself || boot.may_resume_myself) };
}

const since = (at, by) => (at ? t("states.since", { when: formatStamp(at), who: by }) : "");

/** An account's state is set on the page of accounts, where its mode and terminal stand beside it. */
function accountRow({ id, name, account_no: number, state, state_reason: reason, state_by: by, state_since: at }) {
  const may = boot.accounts.find((account) => account.id === id)?.can_halt ?? false;
  return { key: `account.${id}`, name: `${name} · ${number}`, state, reason: [reason, since(at, by)].filter(Boolean).join(" · "), link: "/accounts/", may };
}

function stateCell(cell, { state }) {
  if (!cell.firstElementChild) cell.append(element("span"));
  const badge = cell.firstElementChild;
  badge.className = `badge ${state === "ACTIVE" ? "badge-active" : "badge-warn"}`;
  badge.dataset.state = state;
  setText(badge, t(`state.${state}`));
}
