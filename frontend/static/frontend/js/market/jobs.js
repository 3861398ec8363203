// What a job looks like in words, and what may be done to it.
import { ApiError, post } from "../lib/api.js";
import { element, setText, toast } from "../lib/dom.js";
import { formatDateTime, formatQuantity, NONE } from "../lib/format.js";
import { t } from "../lib/text.js";

const REPAIR = "marketdata.repair";
// These look at every turn whether somebody has ended them.
const CANCELLABLE = new Set([REPAIR, "integrity", "export", "import"]);
const UNFINISHED = new Set(["FAILED", "PARTIAL", "CANCELLED"]);

/** Whether the job has parts, one per instrument. */
export const hasParts = (job) => job.kind === REPAIR;
export const isFinal = (job) => Boolean(job.finished_at);

/** What a job is about: instruments, period and range. */
export function jobSubject({ params = {} }) {
  const { strategy = "", symbols = [], symbol_count: count = symbols.length, period = "", start = "", end = "" } = params;
  const what = count > 3 ? t("count.positions", { count: formatQuantity(count) }) : symbols.join(", ");
  return [strategy, what, period, start && `${start} – ${end}`].filter(Boolean).join(" · ");
}

export const jobTitle = (job) => [t(`job.${job.kind}`), jobSubject(job)].filter(Boolean).join(" · ");

export function formatDuration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("duration.seconds", { seconds: whole });
  if (whole < 3600) return t("duration.minutes", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
  return t("duration.hours", { hours: Math.floor(whole / 3600), minutes: Math.floor((whole % 3600) / 60) });
}

/** Rate and time left while it runs, the time taken afterwards. */
export function jobPace(job) {
  if (isFinal(job)) return job.started_at ? t("job.took", { duration: formatDuration((new Date(job.finished_at) - new Date(job.started_at)) / 1000) }) : "";
  if (job.status !== "RUNNING") return "";
  const parts = [];
  if (job.rate) parts.push(t("job.rate", { rate: job.rate < 10 ? job.rate.toFixed(1) : formatQuantity(job.rate) }));
  if (job.seconds_left !== null && job.seconds_left !== undefined) parts.push(t("job.left", { duration: formatDuration(job.seconds_left) }));
  return parts.join(", ");
}

export const jobDone = (job) => (job.total ? `${formatQuantity(job.done)} / ${formatQuantity(job.total)}` : NONE);

export function drawProgress(bar, job) {
  // An unknown total of a running job is an indeterminate bar, not an empty one.
  if (!job.total && job.status === "RUNNING") bar.removeAttribute("value");
  else {
    bar.max = Math.max(1, job.total);
    bar.value = job.status === "DONE" ? bar.max : job.done;
  }
}

export function drawStatus(node, job) {
  node.dataset.status = job.status;
  setText(node, t(`job_status.${job.status}`));
}

/** The words at the end of a job: its error, else what it stored or says. */
export function jobWords(job) {
  const stored = job.result?.rows_stored;
  return job.error || (stored ? t("job.rows", { rows: formatQuantity(stored) }) : hasParts(job) ? "" : job.message);
}

const acts = (job) => {
  const found = [];
  if (job.kind === "export" && job.status === "DONE") found.push("download");
  if (!isFinal(job)) {
    if (hasParts(job)) found.push(job.status === "PAUSED" ? "resume" : "pause");
    if (CANCELLABLE.has(job.kind)) found.push("cancel");
  } else if (hasParts(job) && UNFINISHED.has(job.status)) found.push("retry");
  return found;
};

/** Draw the buttons of a job into `node`; they are replaced only when others are due, so that the focus stays. */
export function drawActs(node, job, { onChange, onRetry }) {
  const wanted = acts(job);
  if (node.dataset.acts === `${job.id} ${wanted}`) return;
  const focused = node.contains(document.activeElement);
  node.dataset.acts = `${job.id} ${wanted}`;
  node.replaceChildren(...wanted.map((act) => actButton(act, job, { onChange, onRetry })));
  if (focused) node.firstElementChild?.focus();
}

function actButton(act, job, { onChange, onRetry }) {
  const label = t("job.acting", { act: t(`job.act.${act}`), subject: jobTitle(job) });
  if (act === "download") return element("a", { className: "button button-small button-link", href: `/api/v1/exports/${job.id}/file`, textContent: t("job.act.download"), "aria-label": label });
  const button = element("button", { type: "button", className: "button button-small", textContent: t(`job.act.${act}`), dataset: { act }, "aria-label": label });
  button.addEventListener("click", async (event) => {
    event.stopPropagation();
    if (act === "cancel" && !confirm(t("job.cancel_asked"))) return;
    button.disabled = true;
    try {
      const { body } = await post(`jobs/${job.id}/${act}`);
      if (act === "retry") {
        toast(t("job.retried"));
        onRetry(body);
      } else onChange(body);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.text, "", { bad: true });
    } finally {
      button.disabled = false;
    }
  });
  return button;
}

export const jobTime = (job) => formatDateTime(job.started_at ?? job.created_at);
