// Lists that come in pages: rows, a button for more, one request at a time.
import { ApiError, get } from "./api.js";
import { toast } from "./dom.js";

export class Pages {
  #cursor = null;
  #turn = 0;

  /**
   * @param {HTMLButtonElement} more @param {(results: object[], first: boolean) => void} show
   * @param {(error: ApiError) => void} fail  what is done with a refusal; a word in the corner unless given
   */
  constructor(more, show, fail = (error) => toast(error.text, "", { bad: true })) {
    this.more = more;
    this.show = show;
    this.fail = fail;
    more.addEventListener("click", () => this.#fetch(false));
  }

  /** Begin anew with this address and query. */
  load(path, query = new URLSearchParams()) {
    this.path = path;
    this.query = query;
    this.#cursor = null;
    return this.#fetch(true);
  }

  /** The same again, from its beginning. */
  again() {
    this.#cursor = null;
    return this.#fetch(true);
  }

  async #fetch(first) {
    const turn = (this.#turn += 1);
    const query = new URLSearchParams(this.query);
    if (!first && this.#cursor) query.set("cursor", this.#cursor);
    this.more.disabled = true;
    try {
      const { body } = await get(`${this.path}?${query}`);
      if (turn !== this.#turn) return; // a newer search has begun
      this.#cursor = body.next;
      this.more.hidden = !body.next;
      this.show(body.results, first);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#turn) this.fail(error);
    } finally {
      this.more.disabled = false;
    }
  }
}
