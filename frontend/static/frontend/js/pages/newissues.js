// New issues: today's with the quota of each account, one click for all accounts, plans, and what became of each.
import "../lib/shell.js";
import { ApiError, explain, get, post, put } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatPrice, formatQuantity, formatStamp, NONE } from "../lib/format.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { Pages } from "../lib/rows.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

const EVERY_MS = 10_000;
const accounts = new Map(boot.accounts.map((account) => [account.id, account]));
const tradable = boot.accounts.filter((account) => account.can_trade);
const error = byId("issues-error");
let offers = []; // one row per account and issue

const open = () => offers.filter(({ account, order, largest }) => accounts.get(account).can_trade && order === null && largest > 0);

const issues = new KeyedTable(
  byId("issues"),
  [
    { text: ({ account }) => accounts.get(account).name },
    { fill: nameCell },
    { text: ({ kind }) => t(`issue_kind.${kind}`) },
    { className: "num", text: ({ price }) => (price === null ? NONE : formatPrice(price)) },
    { className: "num", text: ({ quota, quota_of: of }) => (of === null ? t("ipo.no_quota_needed") : quota === null ? t("ipo.quota_unknown") : formatQuantity(quota)) },
    { className: "num", text: ({ minimum, maximum }) => `${formatQuantity(minimum)} – ${formatQuantity(maximum)}` },
    { className: "num", text: ({ largest }) => formatQuantity(largest) },
    { text: ({ order, status }) => (order === null ? t("ipo.not_yet") : t(`status.${status}`)) },
    { fill: actCell },
  ],
  { empty: byId("issues-empty") },
);

function nameCell(cell, { name, symbol }) {
  if (!cell.firstElementChild) cell.append(element("span"), element("span", { className: "sub issue-code" }));
  setText(cell.children[0], name);
  setText(cell.children[1], symbol);
}

function actCell(cell, row) {
  const may = accounts.get(row.account).can_trade && row.order === null && row.largest > 0;
  if (Boolean(cell.firstElementChild) === may) return; // the same button stays: no lost focus
  cell.replaceChildren();
  if (!may) return;
  const button = element("button", { type: "button", className: "button button-small", textContent: t("ipo.subscribe"), "aria-label": t("ipo.subscribe_of", { name: row.name, account: accounts.get(row.account).name }) });
  button.addEventListener("click", async () => {
    if (await attempt(button, error, () => post("ipo-subscriptions", { account: row.account, symbol: row.symbol }))) toast(t("ipo.subscribed"), row.name);
    refresh();
  });
  cell.append(button);
}

// ------------------------------------------------------------- one click
const dialog = byId("issues-dialog");
byId("subscribe-all").addEventListener("click", () => {
  const lines = open().map(({ account, name, symbol, largest }) => element("li", { textContent: `${accounts.get(account).name} · ${name} ${symbol} · ${formatQuantity(largest)}` }));
  byId("issues-dialog-list").replaceChildren(...lines);
  dialog.returnValue = "";
  dialog.showModal();
});
dialog.addEventListener("close", () => dialog.returnValue === "send" && subscribeAll());

async function subscribeAll() {
  const button = byId("subscribe-all");
  const wanted = [...new Set(open().map(({ account }) => account))];
  button.disabled = true;
  showRefusal(error);
  const told = [];
  for (const account of wanted) {
    try {
      for (const row of (await post("ipo-subscriptions/all", { account })).body.results) told.push({ account, ...row });
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      told.push({ account, name: "", order: null, code: failure.code });
    }
  }
  const made = told.filter(({ order }) => order !== null).length;
  const refused = told.filter(({ order }) => order === null);
  const words = refused.map(({ account, name, code }) => `${accounts.get(account).name} ${name}: ${explain(code) || code}`).join("; ");
  toast(t("ipo.all_done", { made, accounts: wanted.length }), words, { bad: refused.length > 0, seconds: 10 });
  refresh();
}

// ----------------------------------------------------------------- plans
const plans = new KeyedTable(byId("plans"), [
  { text: ({ name, account_no: number }) => `${name} · ${number}` },
  { fill: planCell },
  { text: ({ plan }) => (plan ? t("ipo.plan_by", { user: plan.user, since: plan.since }) : t("ipo.no_plan")) },
]);

function planCell(cell, row) {
  if (!cell.firstElementChild) {
    const box = element("input", { type: "checkbox", "aria-label": t("ipo.plan_of", { account: row.name }) });
    box.addEventListener("change", async () => {
      const wanted = box.checked;
      if (!(await attempt(box, byId("plans-error"), () => put("ipo-subscriptions/plans", { account: row.id, enabled: wanted })))) box.checked = !wanted;
      refresh();
    });
    cell.append(box);
  }
  const box = cell.firstElementChild;
  if (box !== document.activeElement) box.checked = row.plan?.enabled ?? false;
  box.disabled = !row.can_trade;
}

// --------------------------------------------------------------- results
let shown = [];
const results = new KeyedTable(
  byId("results"),
  [
    { className: "tabular", text: ({ trade_date: day }) => day },
    { text: ({ account }) => accounts.get(account)?.name ?? NONE },
    { fill: nameCell },
    { text: ({ state }) => t(`ipo_state.${state}`) },
    { className: "num", text: ({ quantity }) => (quantity === null ? NONE : formatQuantity(quantity)) },
    { text: ({ status }) => (status === null ? NONE : t(`status.${status}`)) },
    { className: "wrap", text: ({ code, message }) => (code ? explain(code) || message || code : "") },
    { className: "tabular", text: ({ changed_at: at }) => formatStamp(at) },
  ],
  { empty: byId("results-empty") },
);
const pages = new Pages(byId("results-more"), (rows, first) => {
  shown = first ? rows : [...shown, ...rows];
  results.render(shown.map((row) => ({ ...row, key: `${row.trade_date}.${row.account}.${row.symbol}` })));
});

async function offersOf({ id }) {
  const { body } = await get(`ipo-subscriptions/issues?account=${id}`);
  return { account: id, ...body };
}

async function refresh() {
  try {
    const [told, { body: planned }] = await Promise.all([Promise.all(boot.accounts.map(offersOf)), get("ipo-subscriptions/plans")]);
    offers = told.flatMap(({ account, issues: rows }) => rows.map((row) => ({ account, ...row, key: `${account}.${row.symbol}` })));
    const unknown = told.filter(({ asked_at: at }) => at === null).map(({ account }) => accounts.get(account).name);
    issues.render(offers);
    setText(byId("issues-unknown"), unknown.length ? t("ipo.unknown", { accounts: unknown.join(", ") }) : "");
    byId("subscribe-all").disabled = open().length === 0;
    setText(byId("subscribe-all"), t("ipo.subscribe_all", { count: open().length }));
    plans.render(boot.accounts.map((account) => ({ ...account, plan: planned.results.find((plan) => plan.account === account.id && plan.enabled) ?? null, key: String(account.id) })));
  } catch (failure) {
    if (!(failure instanceof ApiError)) throw failure; // what is shown stays
  }
  await pages.load("ipo-subscriptions", new URLSearchParams({ limit: "20" }));
}

if (boot.accounts.length) {
  byId("subscribe-all").hidden = tradable.length === 0;
  refresh();
  setInterval(() => !document.hidden && !dialog.open && refresh(), EVERY_MS);
}
