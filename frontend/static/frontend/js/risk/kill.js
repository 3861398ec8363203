// The kill switch: a typed word, one press, then the report of every order it wanted gone.
import { ApiError, get, post } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatQuantity, formatStamp } from "../lib/format.js";
import { attempt } from "../lib/refusal.js";
import { t } from "../lib/text.js";

const PLATFORM_WORD = "PLATFORM";
const RUNNING_MS = 1000;
const QUIET_MS = 10_000;
const SHOWN = 5;

export class KillSwitch {
  #form = byId("kill-form");
  #targets = targets();
  #timer = null;

  constructor(changed) {
    this.changed = changed;
    const { target, flatten } = this.#form.elements;
    target.append(...this.#targets.map(({ name }, index) => element("option", { value: String(index), textContent: name })));
    for (const input of [target, flatten]) input.addEventListener("change", () => this.#fit());
    this.#form.addEventListener("submit", (event) => this.#pull(event));
    this.#form.hidden = this.#targets.length === 0;
    if (this.#targets.length) this.#fit();
  }

  /** Choose the account that the page is about. */
  choose(account) {
    const index = this.#targets.findIndex(({ wish }) => wish.account === account.id);
    if (index < 0) return;
    this.#form.elements.target.value = String(index);
    this.#fit();
  }

  get #target() {
    return this.#targets[Number(this.#form.elements.target.value)];
  }

  #fit() {
    const { flatten } = this.#form.elements;
    const sells = this.#target.wish.scope !== "PERSON";
    flatten.closest("label").hidden = !sells;
    if (!sells) flatten.checked = false;
    byId("kill-below").hidden = !flatten.checked;
    setText(byId("kill-word"), t("kill.type", { word: this.#target.word }));
  }

  async #pull(event) {
    event.preventDefault();
    const { reason, flatten, max_below_percent: below, confirm } = this.#form.elements;
    const { word, wish } = this.#target;
    const done = await attempt(this.#form.querySelector("[type=submit]"), byId("kill-error"), async () => {
      // A slip of the mouse stops nobody's trading day; the server itself asks for the word where shares are sold.
      if (confirm.value.trim() !== word) throw new ApiError(0, { code: "NOT_CONFIRMED", details: { expected: word } });
      await post("kill-switch", { ...wish, reason: reason.value.trim(), flatten: flatten.checked, confirm: confirm.value.trim(), ...(flatten.checked && below.value.trim() ? { max_below_percent: below.value.trim() } : {}) });
    });
    if (!done) return;
    this.#form.reset();
    this.#fit();
    toast(t("kill.pulled"));
    this.refresh();
    this.changed();
  }

  async refresh() {
    clearTimeout(this.#timer);
    let wait = QUIET_MS;
    try {
      const { body } = await get("kill-switch");
      const runs = body.results.slice(0, SHOWN);
      if (runs.some(({ finished_at: over }) => over === null)) wait = RUNNING_MS;
      this.#draw(runs);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    this.#timer = setTimeout(() => this.refresh(), wait);
  }

  #draw(runs) {
    byId("kill-empty").hidden = runs.length > 0;
    const box = byId("kill-runs");
    const open = new Set([...box.querySelectorAll("details[open]")].map((node) => node.dataset.key));
    const known = new Map([...box.children].map((node) => [node.dataset.facts, node]));
    box.replaceChildren(...runs.map((run) => known.get(JSON.stringify(run)) ?? runNode(run, open)));
  }
}

/** What this person may stop: accounts, themselves, and for officers everybody. */
function targets() {
  const people = boot.officer ? boot.people : [boot.user];
  return [
    ...boot.accounts.filter((account) => account.can_halt).map(({ id, name, account_no: word }) => ({ name: `${name} · ${word}`, word, wish: { scope: "ACCOUNT", account: id } })),
    ...people.map((person) => ({ name: `${t("states.person")}: ${person}`, word: person, wish: { scope: "PERSON", user: person } })),
    ...(boot.officer ? [{ name: t("states.platform"), word: PLATFORM_WORD, wish: { scope: "PLATFORM" } }] : []),
  ];
}

function runNode(run, open) {
  const over = run.finished_at !== null;
  const who = run.scope === "PERSON" ? run.person : run.scope === "ACCOUNT" ? run.targets.map(({ name }) => name).join(", ") : t("kill_scope.PLATFORM");
  const head = element(
    "div",
    { className: "run-head" },
    element("b", { textContent: who }),
    element("span", { className: `badge ${over ? "badge-active" : "badge-warn"}`, textContent: over ? t("kill.over", { when: formatStamp(run.finished_at) }) : t("kill.running") }),
    element("span", { className: "muted", textContent: [t("kill.by", { who: run.started_by, when: formatStamp(run.started_at) }), run.flatten && t("kill.flatten"), run.reason].filter(Boolean).join(" · ") }),
  );
  const node = element("article", { className: "run", dataset: { run: run.id, over: String(over), facts: JSON.stringify(run) } }, head);
  for (const target of run.targets) {
    const key = `${run.id}.${target.account}`;
    const ended = target.orders.filter((order) => order.ended).length;
    const counts = target.orders.length ? t("kill.counts", { ended, orders: target.orders.length }) : t("kill.nothing");
    const summary = element("summary", { textContent: `${target.name}: ${t(`kill_phase.${target.phase}`)} · ${counts}` });
    const details = element("details", { open: open.has(key) || !over, dataset: { key } }, summary);
    if (target.orders.length || target.sales.length) details.append(element("div", { className: "table-wrap" }, reportTable(target)));
    node.append(details);
  }
  return node;
}

function reportTable({ orders, sales }) {
  const head = element("thead", {}, element("tr", {}, ...["kill.order", "kill.traded", "kill.result"].map((key, index) => element("th", { textContent: t(key), className: index === 1 ? "num" : "" }))));
  const line = (what, order) => element("tr", {}, element("td", { textContent: `${what} ${t(`side.${order.side}`)} ${order.symbol}` }), element("td", { className: "num", textContent: `${formatQuantity(order.traded_quantity)} / ${formatQuantity(order.quantity)}` }), element("td", { textContent: t(`status.${order.status}`), dataset: { status: order.status } }));
  const refusal = ({ symbol, refused }) => element("tr", {}, element("td", { textContent: `${t("kill.sale")} ${symbol}` }), element("td"), element("td", { textContent: refused === "NOT_SELLABLE_TODAY" ? t("kill.NOT_SELLABLE_TODAY") : `${t(`code.${refused}`)} ${refused}` }));
  const rows = [...orders.map((order) => line(t("kill.cancel"), order)), ...sales.flatMap((sale) => (sale.refused ? [refusal(sale)] : sale.orders.map((order) => line(t("kill.sale"), order))))];
  return element("table", {}, head, element("tbody", {}, ...rows));
}
