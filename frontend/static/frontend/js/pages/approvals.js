// What waits for approval, live. Deciding asks once more, with the checks as they stand at that moment.
import "../lib/shell.js";
import { ApiError, explain, get, post } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatMoney, formatQuantity, formatStamp, NONE } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { attempt, showRefusal } from "../lib/refusal.js";
import { t } from "../lib/text.js";
import { Decision } from "../money/decision.js";
import { actButtons, facts, wording as transferWording } from "../money/words.js";

const REFRESH_MS = 15000;
const list = byId("approvals");
const dialog = byId("decide");
const form = byId("decide-form");
const refusal = byId("decide-refusal");
const decision = new Decision(() => refresh());
let asked = null;
let drawn = "";

const priced = (wish) => (wish.price === null ? t(`price_type.${wish.price_type}`) : `¥${wish.price}`);
const wording = (wish) => `${t(`side.${wish.side}`)} ${formatQuantity(wish.quantity)} ${wish.symbol} · ${priced(wish)}`;
const title = ({ kind, row }) => (kind === "transfers" ? transferWording(row) : kind === "orders" ? wording(row) : `${t(`approval.kind.${row.kind}`)} · ${row.legs.length === 1 ? wording(row.legs[0]) : row.legs.length}`);

function fact(name, value) {
  return element("div", {}, element("dt", { textContent: name }), element("dd", { textContent: value }));
}

/** The legs of an execution; those of a basket can be chosen. */
function legRows(row) {
  const choosable = row.decidable && row.legs.length > 1;
  return element("ul", { className: "approval-legs" }, ...row.legs.map((leg) => {
    const box = element("input", { type: "checkbox", checked: true, name: "leg", value: String(leg.number), disabled: !choosable });
    return element("li", {}, element("label", {}, box, " ", wording(leg)));
  }));
}

function acts(entry, node) {
  const { row } = entry;
  if (!row.decidable) {
    const mine = row.created_by === boot.user;
    return [element("span", { className: "muted", textContent: t(mine ? "approval.mine" : "approval.not_yours") })];
  }
  return ["approve", "refuse"].map((act) => {
    const button = element("button", { type: "button", className: `button button-small${act === "approve" ? " button-primary" : ""}`, textContent: t(`approval.${act}`) });
    button.addEventListener("click", () => ask(act, entry, node));
    return button;
  });
}

function card(entry) {
  const { kind, row } = entry;
  const expires = kind === "orders" ? row.expires_at : row.approval.expires_at;
  const rules = row.approval.rules.map((rule) => rule.note || t("approval.rule", { id: rule.id })).join(", ");
  const node = element("li", { className: "alert alert-warning", dataset: { id: row.id } });
  node.append(
    element("div", { className: "alert-head" }, element("strong", { textContent: title(entry) }), element("span", { className: "muted tabular", textContent: t("approval.expires", { when: formatStamp(expires) }) }), element("div", { className: "alert-end row-actions" }, ...acts(entry, node))),
    element("p", { className: "muted alert-where", textContent: [row.account_name, t("approval.by", { who: row.created_by }), row.strategy].filter(Boolean).join(" · ") }),
    ...(kind === "executions" ? [legRows(row)] : []),
    element("dl", { className: "facts" }, fact(t("approval.value"), row.approval.value === null ? NONE : `¥${formatMoney(row.approval.value)}`), ...(kind === "orders" ? [fact(t("approval.last"), row.approval.last_price ?? NONE)] : []), fact(t("approval.rules"), rules)),
  );
  return node;
}

/** A transfer beside the orders: its dialog asks for the passwords. */
function transferCard(row) {
  const acts = row.decidable ? actButtons(["approve", "refuse"], row, (act) => decision.open(act, row, row.account_name)) : [element("span", { className: "muted", textContent: t("transfer.mine") })];
  return element(
    "li",
    { className: "alert alert-warning", dataset: { id: row.id } },
    element("div", { className: "alert-head" }, element("strong", { textContent: transferWording(row) }), element("span", { className: "muted tabular", textContent: t("transfer.expires", { when: formatStamp(row.expires_at) }) }), element("div", { className: "alert-end row-actions" }, ...acts)),
    element("dl", { className: "facts" }, ...facts(row, row.account_name)),
  );
}

function draw({ orders, executions, transfers }) {
  const text = JSON.stringify([orders, executions, transfers]);
  if (text === drawn) return; // a choice of legs that somebody is making stays
  drawn = text;
  const entries = Object.entries({ orders, executions, transfers }).flatMap(([kind, rows]) => rows.map((row) => ({ kind, row })));
  list.replaceChildren(...entries.map((entry) => (entry.kind === "transfers" ? transferCard(entry.row) : card(entry))));
  byId("approvals-empty").hidden = entries.length > 0;
  if (asked !== null && dialog.open && !entries.some((entry) => entry.row.id === asked.entry.row.id)) {
    dialog.close();
    toast(t("approval.changed"), title(asked.entry));
  }
  if (decision.id !== null && !transfers.some(({ id }) => id === decision.id)) {
    decision.close();
    toast(t("approval.changed"));
  }
}

async function ask(act, entry, node) {
  const numbers = [...node.querySelectorAll("input[name=leg]:checked")].map((box) => Number(box.value));
  const part = entry.kind === "executions" && numbers.length < entry.row.legs.length;
  asked = { act, entry, legs: act === "approve" && part ? numbers : null };
  form.reset();
  showRefusal(refusal);
  setText(byId("decide-title"), t(`approval.${act}_asked`));
  setText(byId("decide-what"), title(entry) + (asked.legs ? ` — ${t("approval.legs_chosen", { count: numbers.length, total: entry.row.legs.length })}` : ""));
  const legs = entry.kind === "executions" ? entry.row.legs.filter((leg) => numbers.includes(leg.number)) : [];
  setText(byId("decide-facts"), legs.map(wording).join("; "));
  setText(byId("decide-send"), t(`approval.${act}`));
  byId("decide-reason-field").hidden = act === "approve";
  form.elements.reason.required = act === "refuse";
  dialog.showModal();
  if (act === "approve" && entry.kind === "orders") setText(byId("decide-facts"), await judged(entry.row.id));
}

/** How the order would be judged now, in words. */
async function judged(id) {
  try {
    const { now } = (await get(`approvals/orders/${id}`)).body;
    const denied = now.checks.filter((check) => check.verdict === "DENIED").map((check) => explain(check.code, check.facts) || check.code);
    if (now.drift_code) denied.push(explain(now.drift_code) || now.drift_code);
    const drift = now.drift_percent === null ? "" : t("approval.drift", { now: now.last_price, drift: now.drift_percent });
    return [drift, denied.length ? t("approval.denied_now", { why: denied.join("; ") }) : t("approval.accepted_now")].filter(Boolean).join(" · ");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.text;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { act, entry, legs } = asked;
  const body = act === "refuse" ? { reason: form.elements.reason.value.trim() } : legs === null ? undefined : { legs };
  let answer = null;
  const done = await attempt(byId("decide-send"), refusal, async () => {
    answer = (await post(`approvals/${entry.kind}/${entry.row.id}/${act}`, body)).body;
  });
  if (!done) return;
  asked = null;
  dialog.close();
  if (answer.status === "DENIED" && act === "approve") toast(t("approval.denied"), explain(answer.code, answer.details) || answer.message, { bad: true });
  else toast(t(act === "approve" ? "approval.approved" : "approval.refused"), title(entry));
  await refresh();
});
byId("decide-back").addEventListener("click", () => dialog.close());

async function refresh() {
  try {
    draw((await get("approvals")).body);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // the socket goes on, and the next round comes
  }
}

socket.addEventListener("approvals", ({ detail }) => draw(detail.data));
socket.subscribe("approvals");
// A lost message, or one whose time to decide is over: the queue is read again now and then.
setInterval(refresh, REFRESH_MS);
