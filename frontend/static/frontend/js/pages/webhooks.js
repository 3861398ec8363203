// A person's own webhooks: make one, try it, read its log, send again what was given up.
import "../lib/shell.js";
import { ApiError, get, patch, post, remove } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatStamp, NONE } from "../lib/format.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { Pages } from "../lib/rows.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

const LOG_EVERY_MS = 3000;
const accounts = new Map(boot.accounts.map((account) => [account.id, account.name]));
const error = byId("webhook-error");
let chosen = null;

/** Run one act of a row; a refusal is shown above the table, where the link to confirm oneself has room. */
async function act(button, run) {
  const focused = document.activeElement === button;
  if (await attempt(button, error, run)) await refresh();
  else error.scrollIntoView({ block: "nearest" });
  if (focused && button.isConnected) button.focus();
}

function button(key, name, run, className = "button button-small") {
  const node = element("button", { type: "button", className, dataset: { act: key }, textContent: t(`webhook.${key}`), "aria-label": t("webhook.act_of", { act: t(`webhook.${key}`), name }) });
  node.addEventListener("click", () => run(node));
  return node;
}

const kindWords = (kinds) => (kinds.length ? kinds.map((kind) => t(`event.${kind}`)).join(", ") : t("webhook.every_kind"));

const hooks = new KeyedTable(
  byId("webhooks"),
  [
    { fill: (cell, row) => nameCell(cell, row) },
    { text: ({ account }) => accounts.get(account) ?? NONE },
    { className: "wrap", text: ({ address }) => address },
    { className: "wrap", text: ({ kinds }) => kindWords(kinds) },
    { fill: stateCell },
    { fill: (cell, row) => actsCell(cell, row) },
  ],
  { empty: byId("webhooks-empty") },
);

function nameCell(cell, row) {
  if (!cell.firstElementChild) {
    const node = element("button", { type: "button", className: "row-link", "aria-label": t("webhook.log_of", { name: row.name }) });
    node.addEventListener("click", () => choose(row.id));
    cell.append(node);
  }
  setText(cell.firstElementChild, row.name);
}

function stateCell(cell, { state }) {
  if (!cell.firstElementChild) cell.append(element("span"));
  const badge = cell.firstElementChild;
  badge.className = `badge ${state === "ACTIVE" ? "badge-active" : state === "OFF" ? "" : "badge-warn"}`;
  badge.dataset.state = state;
  setText(badge, t(`webhook_state.${state}`));
}

function actsCell(cell, row) {
  if (cell.dataset.state === row.state) return; // the same buttons stay: no lost focus
  cell.dataset.state = row.state;
  const path = `webhooks/${row.id}`;
  const active = row.state === "ACTIVE";
  const nodes = [
    button(active ? "switch_off" : "switch_on", row.name, (node) => act(node, () => patch(path, { enabled: !active }))),
    ...(active ? [button("test", row.name, (node) => act(node, () => test(row)))] : []),
    button("renew", row.name, (node) => confirm(t("webhook.renew_asked", { name: row.name })) && act(node, async () => reveal((await post(`${path}/secret`)).body))),
    button("remove", row.name, (node) => confirm(t("webhook.remove_asked", { name: row.name })) && act(node, () => remove(path))),
  ];
  cell.replaceChildren(element("div", { className: "acts" }, ...nodes));
}

async function test(row) {
  await post(`webhooks/${row.id}/test`);
  toast(t("webhook.test_sent"), row.name);
  choose(row.id);
}

/** The secret, this once. */
function reveal({ name, secret }) {
  setText(byId("secret-of"), t("webhook.secret_of", { name }));
  setText(byId("secret"), secret);
  byId("secret-panel").hidden = false;
  byId("secret-panel").scrollIntoView({ block: "nearest" });
}
byId("secret-done").addEventListener("click", () => {
  setText(byId("secret"), "");
  byId("secret-panel").hidden = true;
});
byId("secret-copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(byId("secret").textContent);
  toast(t("webhook.copied"));
});

// --------------------------------------------------------------------- log
const log = new KeyedTable(
  byId("deliveries"),
  [
    { className: "tabular", text: ({ created_at: at }) => formatStamp(at) },
    { text: ({ kind }) => t(`event.${kind}`) },
    { className: "num", text: ({ version }) => (version ? String(version) : NONE) },
    { fill: deliveryCell },
    { className: "num", text: ({ attempt: tries }) => String(tries) },
    { className: "num", text: ({ response_code: code }) => (code === null ? NONE : String(code)) },
    { className: "num", text: ({ latency_ms: ms }) => (ms === null ? NONE : `${ms} ms`) },
    { className: "wrap", text: ({ error: words }) => words },
    { fill: (cell, row) => repeatCell(cell, row) },
  ],
  { empty: byId("deliveries-empty") },
);
let shown = [];
const pages = new Pages(byId("deliveries-more"), (results, first) => {
  shown = first ? results : [...shown, ...results];
  log.render(shown.map((row) => ({ ...row, key: row.id })));
});

function deliveryCell(cell, { status, attempts, due_at: due }) {
  if (!cell.firstElementChild) cell.append(element("span"), element("span", { className: "sub reason" }));
  const [badge, words] = cell.children;
  badge.className = `badge ${{ SENT: "delivery-sent", DEAD: "delivery-failed", PENDING: "delivery-pending" }[status] ?? ""}`;
  badge.dataset.status = status;
  setText(badge, t(`delivery_state.${status}`));
  setText(words, status === "PENDING" && attempts.length ? t("webhook.again_at", { when: formatStamp(due) }) : "");
  cell.title = attempts.map(({ at, attempt: tries, status: outcome, error: reason }) => `${tries}. ${formatStamp(at)} ${t(`delivery_state.${outcome}`)} ${reason}`).join("\n");
}

function repeatCell(cell, row) {
  const may = row.status !== "PENDING";
  if (Boolean(cell.firstElementChild) === may) return;
  if (!may) {
    cell.replaceChildren();
    return;
  }
  cell.append(button("repeat", formatStamp(row.created_at), (node) => act(node, () => post(`webhook-deliveries/${row.id}/repeat`))));
}

function choose(id) {
  chosen = id;
  hooks.select(String(id));
  loadLog();
}

function loadLog() {
  byId("log-panel").hidden = chosen === null;
  if (chosen !== null) pages.load(`webhooks/${chosen}/deliveries`, new URLSearchParams({ limit: "20" }));
}

async function refresh() {
  try {
    const { body } = await get("webhooks");
    hooks.render(body.results.map((row) => ({ ...row, key: String(row.id) })));
    const row = body.results.find(({ id }) => id === chosen);
    if (chosen !== null && !row) chosen = null;
    if (row) setText(byId("log-title"), t("webhook.log_of", { name: row.name }));
    hooks.select(String(chosen));
    loadLog();
  } catch (failure) {
    if (!(failure instanceof ApiError)) throw failure;
    hooks.fail(failure, refresh);
  }
}

// -------------------------------------------------------------------- form
byId("webhook-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const { account, name, address } = form.elements;
  const kinds = [...form.querySelectorAll("[name=kinds]:checked")].map(({ value }) => value);
  const wish = { account: Number(account.value), name: name.value.trim(), address: address.value.trim(), kinds };
  let made = null;
  const done = await attempt(byId("webhook-add"), byId("webhook-form-error"), async () => {
    made = (await post("webhooks", wish)).body;
  });
  if (!done) return;
  form.reset();
  showRefusal(error);
  chosen = made.id;
  reveal(made);
  await refresh();
});

hooks.wait();
refresh();
setInterval(() => !document.hidden && refresh(), LOG_EVERY_MS);
