// The audit trail: search it, read one decision, follow one object, take it away as a file, prove it.
import "../lib/shell.js";
import { ApiError, get, post } from "../lib/api.js";
import { byId, element, setText, toast } from "../lib/dom.js";
import { formatStamp } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { standDown, standIn } from "../lib/panelstate.js";
import { Pages } from "../lib/rows.js";
import { t } from "../lib/text.js";

const form = byId("audit-form");
const table = byId("audit");
const TIMES = new Set(["since", "until"]);

/** The form as a query; what a person leaves empty is not asked for. Times are the market's. */
function query() {
  const wanted = new URLSearchParams();
  for (const { name, value } of form.elements) {
    if (!name || !value.trim()) continue;
    wanted.set(name, TIMES.has(name) ? `${value}:00+08:00` : value.trim());
  }
  return wanted;
}

const written = (value) => (value === null || value === undefined ? "—" : typeof value === "object" ? JSON.stringify(value) : String(value));

function detail(event) {
  const diff = element("table", { className: "diff" });
  diff.append(element("thead", {}, element("tr", {}, ...["audit.field", "audit.before", "audit.after"].map((key) => element("th", { textContent: t(key) })))));
  const body = diff.createTBody();
  for (const { field, before, after } of event.changes) {
    body.append(element("tr", {}, element("td", { textContent: field }), element("td", { className: "removed", textContent: written(before) }), element("td", { className: "added", textContent: written(after) })));
  }
  const facts = [
    ["audit.actor", `${t(`actor.${event.actor_kind}`)} ${event.actor} (${event.actor_id})`],
    ["audit.request", event.request_id || "—"],
    ["audit.chain", `${event.chain} #${event.sequence}`],
    ["audit.hash", event.hash],
  ];
  const list = element("dl", { className: "facts" }, ...facts.map(([key, value]) => element("div", {}, element("dt", { textContent: t(key) }), element("dd", { textContent: value }))));
  return element("tr", { className: "detail" }, element("td", { colSpan: table.tHead.rows[0].cells.length }, event.changes.length ? diff : t("audit.no_change"), list));
}

function eventRow(event) {
  const opener = element("button", { type: "button", className: "row-link", "aria-expanded": "false" }, element("span", { className: "tabular", textContent: formatStamp(event.at) }));
  const follow = element("button", { type: "button", className: "row-link", title: `${event.target} · ${t("audit.follow")}` }, element("code", { textContent: event.target }));
  follow.addEventListener("click", () => {
    form.reset();
    form.elements.target.value = event.target;
    search();
  });
  const row = element(
    "tr",
    {},
    element("td", {}, opener),
    element("td", { textContent: event.actor }),
    element("td", {}, element("code", { textContent: event.action })),
    element("td", {}, follow),
    element("td", { className: "summary", textContent: summary(event) }),
  );
  let shown = null;
  opener.addEventListener("click", () => {
    if (shown) shown.remove();
    shown = shown ? null : detail(event);
    if (shown) row.after(shown);
    opener.setAttribute("aria-expanded", String(shown !== null));
  });
  return row;
}

const summary = ({ changes }) => changes.map(({ field, before, after }) => (before === null ? `${field}: ${written(after)}` : `${field}: ${written(before)} → ${written(after)}`)).join(", ");

const pages = new Pages(byId("audit-more"), (results, first) => {
  const body = table.tBodies[0];
  if (first) body.replaceChildren();
  body.append(...results.map(eventRow));
  standDown(byId("audit-empty"));
  byId("audit-empty").hidden = body.rows.length > 0;
}, (error) => standIn(byId("audit-empty"), error, () => pages.again()));

function search() {
  const wanted = query();
  for (const link of document.querySelectorAll("[data-export]")) link.href = `/api/v1/audit/export.${link.dataset.export}?${wanted}`;
  history.replaceState(null, "", `${location.pathname}${wanted.size ? `?${wanted}` : ""}`);
  return pages.load("audit", wanted);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
form.addEventListener("reset", () => setTimeout(search));

// ------------------------------------------------------------ verification
function showVerification(job) {
  const node = byId("verification");
  const running = job && ["PENDING", "RUNNING"].includes(job.status);
  byId("verify").disabled = Boolean(running);
  node.className = job?.result?.problems?.length ? "notice notice-bad" : job?.status === "DONE" ? "notice notice-good" : "hint";
  if (!job) setText(node, t("audit.never_verified"));
  else if (running) setText(node, t("audit.verifying", { done: job.done, total: job.total }));
  else if (job.status === "DONE") setText(node, t("audit.intact", { ...job.result, when: formatStamp(job.finished_at) }));
  else setText(node, job.result?.problems?.length ? t("audit.broken", { problem: job.result.problems.join(" · "), when: formatStamp(job.finished_at) }) : job.error);
  return running;
}

async function watchVerification() {
  try {
    const { body } = await get("audit/verification");
    if (showVerification(body.verification)) setTimeout(watchVerification, 1000);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    setText(byId("verification"), error.text); // asked again with the next connection
  }
}

byId("verify").addEventListener("click", async ({ target }) => {
  target.disabled = true;
  try {
    const { body } = await post("audit/verification");
    showVerification(body.verification);
    setTimeout(watchVerification, 500);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    target.disabled = false;
    toast(error.text, "", { bad: true });
  }
});

for (const [name, value] of new URLSearchParams(location.search)) {
  const field = form.elements[name];
  if (field) field.value = TIMES.has(name) ? value.slice(0, 16) : value;
}
search();
watchVerification();
socket.addEventListener("up", watchVerification);
