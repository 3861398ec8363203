// Market data: ask for bars, watch the jobs that complete them.
import "../lib/shell.js";
import { ApiError, get } from "../lib/api.js";
import { byId, element, setText } from "../lib/dom.js";
import { formatDateTime, formatQuantity } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";

const jobs = new Map();
const table = new KeyedTable(
  byId("jobs"),
  [
    { className: "tabular", text: (job) => formatDateTime(job.started_at ?? job.created_at) },
    { text: (job) => t(`job.${job.kind}`) },
    { text: jobSubject },
    {
      fill: (cell, job) => {
        cell.dataset.status = job.status;
        setText(cell, t(`job_status.${job.status}`));
      },
    },
    { fill: progressCell },
    { className: "num", text: (job) => `${formatQuantity(job.done)} / ${formatQuantity(job.total)}` },
    { text: (job) => job.error || job.message || "" },
  ],
  { empty: byId("jobs-empty") },
);

/** What a job is about: instruments, period and range. */
function jobSubject({ params = {} }) {
  const { symbols = [], symbol_count: count = symbols.length, period = "", start = "", end = "" } = params;
  const what = count > 3 ? t("count.positions", { count }) : symbols.join(", ");
  return [what, period, start && `${start} – ${end}`].filter(Boolean).join(" · ");
}

function progressCell(cell, job) {
  let bar = cell.firstElementChild;
  if (!bar) {
    bar = element("progress");
    bar.setAttribute("aria-label", t("job.progress"));
    cell.append(bar);
  }
  bar.max = Math.max(1, job.total);
  bar.value = job.status === "DONE" ? bar.max : job.done;
}

function draw() {
  const rows = [...jobs.values()].map((job) => ({ ...job, key: job.id }));
  table.render(rows.sort((a, b) => (a.created_at < b.created_at ? 1 : -1)));
}

async function reload() {
  const { body } = await get("jobs");
  jobs.clear();
  for (const job of body.results) jobs.set(job.id, job);
  draw();
}

async function fetchBars(event) {
  event.preventDefault();
  const form = event.target;
  const result = byId("bars-result");
  const button = form.querySelector("button[type=submit]");
  const { symbols, period, start, end } = form.elements;
  const query = new URLSearchParams({ symbols: symbols.value, period: period.value, start: start.value.replaceAll("-", ""), end: end.value.replaceAll("-", ""), wait: "0" });
  button.disabled = true;
  setText(result, t("bars.asking"));
  try {
    const { status, body } = await get(`bars?${query}`);
    if (status === 202) setText(result, t("bars.downloading"));
    else setText(result, t("bars.complete", { rows: formatQuantity(body.rows.length) }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    setText(result, error.text);
  } finally {
    button.disabled = false;
  }
}

/** A year up to the market's own today: on a simulated market that is not this computer's date. */
async function fillRange(form) {
  const { body } = await get("accounts");
  const today = new Date(body.results[0]?.market_clock?.trade_date ?? Date.now());
  const day = (date) => date.toISOString().slice(0, 10);
  form.elements.end.value = day(today);
  form.elements.start.value = day(new Date(today - 365 * 86_400_000));
}

const form = byId("bars-form");
fillRange(form);
form.addEventListener("submit", fetchBars);

socket.subscribe("jobs");
socket.addEventListener("up", reload);
socket.addEventListener("jobs", ({ detail }) => {
  // Progress carries no request: a job that is new to this page is fetched whole.
  if (detail.data.some((job) => !jobs.has(job.id))) {
    reload();
    return;
  }
  for (const job of detail.data) jobs.set(job.id, { ...jobs.get(job.id), ...job });
  draw();
});
