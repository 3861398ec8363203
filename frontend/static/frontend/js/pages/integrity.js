// Findings of the integrity checker: search, look at the facts, acknowledge with a reason, download anew, check now.
import "../lib/shell.js";
import { ApiError, post } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatDateTime, formatQuantity, formatStamp } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { standIn } from "../lib/panelstate.js";
import { Pages } from "../lib/rows.js";
import { t } from "../lib/text.js";
import { JobFeed } from "../market/jobfeed.js";
import { isFinal, jobWords } from "../market/jobs.js";
import { mountStale } from "../market/stale.js";

const form = byId("findings-form");
const table = byId("findings");
const repairable = new Set(boot.repairable);
const dialog = byId("acknowledge");
let state = "OPEN";
let asked = null; // the finding that the dialog is about

const words = (finding) => `${finding.symbol} ${finding.period} ${t(`check.${finding.check}`)} ${days(finding)}`;
const days = ({ start_date: first, end_date: last }) => (first === last ? first : `${first} – ${last}`);
const written = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value ?? "—"));
const cell = (className, ...children) => element("td", { className }, ...children);

function settled(finding) {
  if (finding.state !== "OPEN") return [`${finding.settled_by}, ${formatDateTime(finding.settled_at)}`, element("span", { className: "reason sub", textContent: finding.note, title: finding.note })];
  if (finding.repair_job) return [element("a", { href: `/data/#job=${finding.repair_job}`, textContent: t("finding.repair_ordered") })];
  return [];
}

function actions(finding) {
  if (!boot.may_settle || finding.state === "REPAIRED") return [];
  const found = [];
  const add = (key, act) => {
    const button = element("button", { type: "button", className: "button button-small", textContent: t(key), "aria-label": t("job.acting", { act: t(key), subject: words(finding) }) });
    button.addEventListener("click", () => act(button));
    found.push(button);
  };
  if (repairable.has(finding.check)) add("finding.repair", (button) => repair(finding, button));
  if (finding.state === "OPEN") add("finding.acknowledge", () => openDialog(finding));
  return found;
}

function facts(finding) {
  const list = element("dl", { className: "facts" });
  const shown = Object.entries(finding.facts);
  for (const [name, value] of [...shown, ["found_at", formatStamp(finding.found_at)]]) list.append(element("div", {}, element("dt", { textContent: name }), element("dd", { textContent: written(value) })));
  return element("tr", { className: "detail" }, element("td", { colSpan: table.tHead.rows[0].cells.length }, list));
}

function findingRow(finding) {
  const opener = element("button", { type: "button", className: "row-link", "aria-expanded": "false" }, t(`check.${finding.check}`));
  const row = element(
    "tr",
    { dataset: { finding: finding.id } },
    cell("", element("span", { className: `badge finding-${finding.severity.toLowerCase()}`, textContent: t(`finding_severity.${finding.severity}`) })),
    cell("tabular", element("a", { href: `/data/coverage/#symbol=${finding.symbol}`, textContent: finding.symbol })),
    cell("", finding.period),
    cell("", opener),
    cell("tabular", days(finding)),
    cell("num", formatQuantity(finding.rows)),
    cell("tabular", formatDateTime(finding.seen_at)),
    cell("", ...settled(finding)),
    cell("acts", ...actions(finding)),
  );
  let shown = null;
  opener.addEventListener("click", () => {
    if (shown) shown.remove();
    shown = shown ? null : facts(finding);
    if (shown) row.after(shown);
    opener.setAttribute("aria-expanded", String(shown !== null));
  });
  return row;
}

const pages = new Pages(byId("findings-more"), (results, first) => {
  const body = table.tBodies[0];
  if (first) body.replaceChildren();
  body.append(...results.map(findingRow));
  byId("findings-empty").hidden = body.rows.length > 0;
  const filtered = ["symbols", "severity", "check"].some((name) => form.elements[name].value.trim());
  setText(byId("findings-empty"), t(filtered ? "finding.none_fits" : state === "OPEN" ? "finding.none_open" : "finding.none"));
}, (error) => standIn(byId("findings-empty"), error, () => pages.again()));

function search() {
  const query = new URLSearchParams({ state });
  for (const { name, value } of form.elements) if (name && value.trim()) query.set(name, value.trim());
  return pages.load("integrity/findings", query);
}

/** Put what the server answered in the place of the row, or take it away where another state is listed. */
function replace(finding) {
  const row = table.querySelector(`tr[data-finding="${finding.id}"]`);
  if (row?.nextElementSibling?.classList.contains("detail")) row.nextElementSibling.remove();
  if (finding.state === state) row?.replaceWith(findingRow(finding));
  else row?.remove();
}

async function repair(finding, button) {
  button.disabled = true;
  try {
    const { body } = await post(`integrity/findings/${finding.id}/repair`);
    replace({ ...finding, repair_job: body.id });
    toast(t("finding.repair_asked"), words(finding));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    button.disabled = false;
    toast(error.text, "", { bad: true });
  }
}

function openDialog(finding) {
  asked = finding;
  byId("acknowledge-form").reset();
  byId("acknowledge-error").hidden = true;
  setText(byId("acknowledge-what"), words(finding));
  dialog.showModal();
}

byId("acknowledge-close").addEventListener("click", () => dialog.close());
byId("acknowledge-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const { body } = await post(`integrity/findings/${asked.id}/acknowledge`, { note: event.target.elements.note.value });
    replace(body);
    dialog.close();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    setText(byId("acknowledge-error"), error.text);
    byId("acknowledge-error").hidden = false;
  } finally {
    button.disabled = false;
  }
});

// ------------------------------------------------------------------ a run
const feed = new JobFeed(socket);
let run = null;
const ended = new Set();
feed.addEventListener("change", () => {
  const job = feed.jobs.get(run) ?? feed.sorted.find((one) => one.kind === "integrity" && !isFinal(one));
  if (!job) return;
  run = job.id;
  const node = byId("run");
  node.hidden = false;
  node.className = job.status === "FAILED" ? "notice notice-bad" : "notice notice-good";
  setText(node, `${t("job.integrity")}: ${t(`job_status.${job.status}`)} ${jobWords(job)}`);
  if (isFinal(job) && !ended.has(job.id)) {
    ended.add(job.id);
    search();
  }
});
byId("run-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  try {
    const { body } = await post("integrity/runs", { full: event.target.elements.full.checked });
    run = body.id;
    feed.put(body);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.text, "", { bad: true });
  } finally {
    button.disabled = false;
  }
});

for (const button of document.querySelectorAll("[data-state]")) {
  button.addEventListener("click", () => {
    state = button.dataset.state;
    for (const other of document.querySelectorAll("[data-state]")) other.setAttribute("aria-pressed", String(other === button));
    search();
  });
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
form.addEventListener("change", search);
mountStale();
search();
