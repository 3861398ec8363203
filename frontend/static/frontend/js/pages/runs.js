// Programs: what runs on an account, one of them in detail, and the form for a new run.
import "../lib/shell.js";
import { ApiError, get, post } from "../lib/api.js";
import { boot, byId, element, toast } from "../lib/dom.js";
import { formatMoney } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { attempt } from "../lib/refusal.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { Catalogue } from "../strategies/catalogue.js";
import { RunPanel } from "../strategies/run.js";

const select = byId("account-choice"); // absent: no account is this person's to see

class Runs {
  #account = null;
  #runs = new Map();
  #panel = new RunPanel();
  #form = byId("run-form");
  #catalogue = new Catalogue(byId("run-form"), byId("run-parameters"), byId("run-about"));
  #table = new KeyedTable(
    byId("runs"),
    [
      { fill: (cell, run) => this.#link(cell, run) },
      { text: ({ strategy }) => strategy },
      { className: "wrap", text: ({ symbols }) => symbols.join(" ") },
      { text: ({ period }) => t(`period.${period}`) },
      { className: "num", text: ({ capital }) => formatMoney(capital) },
      { text: ({ opens_at: opens, closes_at: closes }) => (opens ? t("run.hours", { opens, closes }) : t("run.always")) },
      { fill: (cell, run) => this.#state(cell, run) },
      { text: ({ orders }) => t("run.orders", { count: orders }) },
      { fill: (cell, run) => this.#acts(cell, run) },
    ],
    { empty: byId("runs-empty") },
  );

  constructor() {
    this.#catalogue.load();
    this.#form.addEventListener("submit", (event) => this.#add(event));
    socket.addEventListener("strategies", ({ detail }) => this.#live(detail));
    socket.addEventListener("up", () => this.refresh());
  }

  show(account) {
    if (this.#account) socket.unsubscribe(`strategies:${this.#account.id}`);
    this.#account = account;
    this.#runs.clear();
    this.#table.wait();
    byId("run-add").disabled = !account.can_trade;
    this.#panel.show(null);
    socket.subscribe(`strategies:${account.id}`);
    this.refresh();
  }

  async refresh() {
    const account = this.#account;
    try {
      const { body } = await get(`strategy-runs?account=${account.id}&limit=100`);
      if (account !== this.#account) return;
      this.#runs = new Map(body.results.map((run) => [run.id, run]));
      this.#draw();
      if (this.#panel.id !== null) this.#panel.refresh();
      else if (body.results.length) this.#open(body.results[0]);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (account === this.#account) this.#table.fail(error, () => this.refresh());
    }
  }

  #live({ channel, data }) {
    if (channel !== `strategies:${this.#account.id}`) return;
    for (const run of data.runs) {
      this.#runs.set(run.id, run);
      if (run.id === this.#panel.id) this.#panel.update(run, data.lines.filter((line) => line.run === run.id));
    }
    this.#draw();
  }

  #draw() {
    const newest = [...this.#runs.values()].sort((one, other) => other.id - one.id);
    this.#table.render(newest.map((run) => ({ ...run, key: String(run.id) })));
    this.#table.select(String(this.#panel.id));
  }

  #open(run) {
    this.#panel.show(run);
    this.#table.select(String(run.id));
  }

  #link(cell, run) {
    if (cell.firstElementChild) return;
    const button = element("button", { type: "button", className: "row-link", textContent: run.label });
    button.addEventListener("click", () => this.#open(this.#runs.get(run.id)));
    cell.append(button);
  }

  #state(cell, { state }) {
    cell.dataset.run = state;
    cell.textContent = t(`run_state.${state}`);
  }

  #acts(cell, run) {
    const act = run.wanted ? "stop" : "start";
    const wanted = this.#account.can_trade ? act : "";
    if (cell.dataset.act === wanted) return;
    cell.dataset.act = wanted;
    if (!wanted) {
      cell.replaceChildren();
      return;
    }
    const button = element("button", { type: "button", className: "button button-small", dataset: { act }, textContent: t(`run.${act}`), "aria-label": t("run.act_of", { act: t(`run.${act}`), label: run.label }) });
    button.addEventListener("click", () => this.#act(button, act, run));
    cell.replaceChildren(button);
  }

  async #act(button, act, run) {
    button.disabled = true;
    try {
      const { body } = await post(`strategy-runs/${run.id}/${act}`, {});
      this.#runs.set(run.id, body);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.text, "", { bad: true });
    }
    button.disabled = false;
    this.#draw();
  }

  async #add(event) {
    event.preventDefault();
    const { label, opens_at: opens, closes_at: closes } = this.#form.elements;
    const wish = { ...this.#catalogue.wish(), account: this.#account.id };
    if (label.value.trim()) wish.label = label.value.trim();
    if (opens.value.trim() || closes.value.trim()) Object.assign(wish, { opens_at: opens.value.trim(), closes_at: closes.value.trim() });
    let made = null;
    const done = await attempt(byId("run-add"), byId("run-error"), async () => {
      made = (await post("strategy-runs", wish)).body;
    });
    if (!done) return;
    toast(t("run.made"));
    this.#runs.set(made.id, made);
    this.#draw();
    this.#open(made);
  }
}

if (select) {
  const runs = new Runs();
  const choose = (id) => runs.show(boot.accounts.find((candidate) => candidate.id === id));
  select.addEventListener("change", () => choose(Number(select.value)));
  choose(Number(select.value));
}
