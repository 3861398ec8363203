// Jobs as the server knows them: a page of them over REST, then each change over the socket.
import { ApiError, get } from "../lib/api.js";
import { toast } from "../lib/dom.js";

/** Fires "change" whenever a job is new or different, "failed" when the list could not be read (a word in the corner unless prevented). */
export class JobFeed extends EventTarget {
  jobs = new Map();
  heard = false; // whether the list was read once
  #next = null;
  #asked = new Set();

  constructor(socket) {
    super();
    socket.subscribe("jobs");
    socket.addEventListener("up", () => this.reload());
    socket.addEventListener("jobs", ({ detail }) => this.#heard(detail.data));
  }

  get hasMore() {
    return this.#next !== null;
  }

  /** Newest first. */
  get sorted() {
    return [...this.jobs.values()].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  }

  /** Ask for the newest page again: what happened while nobody listened. */
  reload() {
    return this.#page("jobs", true);
  }

  more() {
    return this.#page(`jobs?cursor=${encodeURIComponent(this.#next)}`, false);
  }

  /** Show one job, whoever started it; null when the person may not see it. */
  async one(id) {
    try {
      this.put((await get(`jobs/${id}`)).body);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return null;
    }
    return this.jobs.get(id);
  }

  put(job) {
    this.jobs.set(job.id, { ...this.jobs.get(job.id), ...job });
    this.dispatchEvent(new Event("change"));
  }

  async #page(path, first) {
    try {
      const { body } = await get(path);
      // What was opened by its address stays, and is asked for again: it may lie on a later page.
      const others = first ? [...this.jobs.keys()].filter((id) => !body.results.some((job) => job.id === id)) : [];
      for (const job of body.results) this.jobs.set(job.id, job);
      if (!first || this.#next === null) this.#next = body.next;
      await Promise.all(others.filter((id) => !this.jobs.get(id).finished_at).map((id) => this.one(id)));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.dispatchEvent(new CustomEvent("failed", { detail: error, cancelable: true }))) toast(error.text, "", { bad: true });
      return;
    }
    this.heard = true;
    this.dispatchEvent(new Event("change"));
  }

  /** Progress carries no request: a job that is new to this page is fetched whole, once. */
  #heard(jobs) {
    for (const job of jobs) {
      if (this.jobs.has(job.id)) this.jobs.set(job.id, { ...this.jobs.get(job.id), ...job });
      else if (!this.#asked.has(job.id)) {
        this.#asked.add(job.id);
        this.one(job.id).finally(() => this.#asked.delete(job.id));
      }
    }
    this.dispatchEvent(new Event("change"));
  }
}
