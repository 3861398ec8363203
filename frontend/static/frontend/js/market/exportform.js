// Exports: a form, the jobs it makes, and their files.
import { ApiError, post } from "../lib/api.js";
import { boot, byId, element, setText } from "../lib/dom.js";
import { KeyedTable } from "../lib/table.js";
import { t } from "../lib/text.js";
import { drawActs, drawProgress, drawStatus, jobSubject, jobTime, jobWords } from "./jobs.js";

/** @param {import("./jobfeed.js").JobFeed} feed */
export function mountExport(feed) {
  const form = byId("export-form");
  const handlers = { onChange: (job) => feed.put(job), onRetry: (job) => feed.put(job) };
  const table = new KeyedTable(byId("exports"), [
    { className: "tabular", text: jobTime },
    { text: (job) => [jobSubject(job), job.params?.format].filter(Boolean).join(" · ") },
    { fill: drawStatus },
    {
      fill: (cell, job) => {
        const bar = cell.firstElementChild ?? element("progress", { "aria-label": t("job.progress") });
        if (!cell.firstElementChild) cell.append(bar);
        drawProgress(bar, job);
      },
    },
    { className: "wrap", text: jobWords },
    { className: "acts", fill: (cell, job) => drawActs(cell, job, handlers) },
  ]);
  // An administrator sees everybody's jobs; a file is fetched by its owner only.
  feed.addEventListener("change", () => {
    const jobs = feed.sorted.filter((job) => job.kind === "export" && job.owner === boot.user.id);
    table.render(jobs.map((job) => ({ ...job, key: job.id })));
    byId("exports-wrap").hidden = jobs.length === 0;
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wish = {};
    for (const { name, value } of form.elements) if (name && value.trim()) wish[name] = value.trim();
    if (wish.symbols) wish.symbols = wish.symbols.split(",").map((part) => part.trim()).filter(Boolean);
    const button = form.querySelector("[type=submit]");
    const error = byId("export-error");
    error.hidden = true;
    button.disabled = true;
    try {
      feed.put((await post("exports", wish)).body);
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      setText(error, problem.text);
      error.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
