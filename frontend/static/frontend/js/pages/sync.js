// Sync jobs: ask for bars, watch the jobs that complete them, hold, cancel and repeat them, look at their parts.
import "../lib/shell.js";
import { ApiError, get } from "../lib/api.js";
import { byId, element, setText } from "../lib/dom.js";
import { formatQuantity } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { JobItems } from "../market/items.js";
import { JobFeed } from "../market/jobfeed.js";
import { drawActs, drawProgress, drawStatus, hasParts, isFinal, jobDone, jobPace, jobSubject, jobTime, jobTitle, jobWords } from "../market/jobs.js";
import { mountStale } from "../market/stale.js";

const feed = new JobFeed(socket);
const items = new JobItems();
const handlers = { onChange: (job) => feed.put(job), onRetry: (job) => { feed.put(job); choose(job.id); } };
let chosen = null;
let lastDrawn = "";

const table = new KeyedTable(
  byId("jobs"),
  [
    {
      className: "tabular",
      fill: (cell, job) => {
        const opener = cell.firstElementChild ?? element("button", { type: "button", className: "row-link" });
        if (!cell.firstElementChild) {
          opener.addEventListener("click", () => choose(job.id, { focus: true }));
          cell.append(opener);
        }
        setText(opener, jobTime(job));
        opener.setAttribute("aria-label", `${jobTime(job)} ${jobTitle(job)}`);
      },
    },
    { text: (job) => t(`job.${job.kind}`) },
    { className: "subject", text: jobSubject },
    { fill: drawStatus },
    {
      fill: (cell, job) => {
        const bar = cell.firstElementChild ?? element("progress", { "aria-label": t("job.progress") });
        if (!cell.firstElementChild) cell.append(bar);
        drawProgress(bar, job);
      },
    },
    { className: "num", text: jobDone },
    { className: "tabular pace", text: (job) => jobPace(job) || jobWords(job) },
    { className: "acts", fill: (cell, job) => drawActs(cell, job, handlers) },
  ],
  { empty: byId("jobs-empty") },
);

function draw() {
  if (!feed.heard) return drawChosen();
  byId("jobs-loading").hidden = true;
  table.render(feed.sorted.map((job) => ({ ...job, key: job.id })));
  table.select(chosen);
  byId("jobs-more").hidden = !feed.hasMore;
  drawChosen();
}

/** Open the parts of a job; the address keeps it, so that it can be sent to somebody. */
async function choose(id, { focus = false } = {}) {
  chosen = id;
  lastDrawn = "";
  const known = feed.jobs.has(id) || (await feed.one(id));
  byId("job-unknown").hidden = Boolean(known);
  if (!known) return close();
  history.replaceState(null, "", `#job=${id}`);
  items.show(hasParts(feed.jobs.get(id)) ? feed.jobs.get(id) : null);
  draw();
  if (focus) byId("job").focus();
}

function close() {
  chosen = null;
  history.replaceState(null, "", location.pathname);
  byId("job").hidden = true;
  table.select(null);
}

function drawChosen() {
  const job = feed.jobs.get(chosen);
  byId("job").hidden = !job;
  if (!job) return;
  const state = JSON.stringify([job.status, job.done, job.message]);
  if (lastDrawn && state !== lastDrawn) items.moved(isFinal(job));
  lastDrawn = state;
  setText(byId("job-title"), jobTitle(job));
  drawStatus(byId("job-status"), job);
  drawProgress(byId("job-progress"), job);
  setText(byId("job-figures"), [jobDone(job), jobPace(job), job.error ? "" : jobWords(job)].filter(Boolean).join(" · "));
  byId("job-error").hidden = !job.error;
  setText(byId("job-error"), job.error);
  drawActs(byId("job-acts"), job, handlers);
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
  const { body } = await get("calendar");
  const today = new Date(body.trade_date);
  const day = (date) => date.toISOString().slice(0, 10);
  form.elements.end.value = day(today);
  form.elements.start.value = day(new Date(today - 365 * 86_400_000));
}

feed.addEventListener("change", draw);
feed.addEventListener("failed", (event) => {
  event.preventDefault();
  byId("jobs-loading").hidden = true;
  table.fail(event.detail, () => feed.reload());
});
byId("jobs-more").addEventListener("click", () => feed.more());
byId("job-close").addEventListener("click", close);
const form = byId("bars-form");
form.addEventListener("submit", fetchBars);
fillRange(form).catch((error) => setText(byId("bars-result"), error.text ?? String(error)));
mountStale();
feed.reload();

const linked = new URLSearchParams(location.hash.slice(1)).get("job");
if (linked) choose(linked);
