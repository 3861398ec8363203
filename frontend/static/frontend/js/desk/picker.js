// Instrument search by code, name or pinyin: an ARIA combobox.
import { ApiError } from "../lib/api.js";
import { element } from "../lib/dom.js";
import { searchInstruments } from "./instruments.js";

const PAUSE_MS = 150;

export class InstrumentPicker {
  #options = [];
  #active = -1;
  #timer = null;
  #request = null;
  #chosen = "";
  #typing = false;

  constructor(input, list, onPick) {
    this.input = input;
    this.list = list;
    this.onPick = onPick;
    input.addEventListener("input", () => this.#typed());
    input.addEventListener("keydown", (event) => this.#key(event));
    input.addEventListener("focus", () => input.select());
    input.addEventListener("blur", () => setTimeout(() => this.#left(), 150));
    list.addEventListener("mousedown", (event) => {
      event.preventDefault(); // keeps the focus in the input
      const option = event.target.closest("li");
      if (option) this.#pick(Number(option.dataset.index));
    });
    // Who was faster than this script is answered too.
    if (document.activeElement === input && this.text) this.#typed();
  }

  get text() {
    return this.input.value.trim();
  }

  /** Show `symbol` as chosen; what somebody is typing stays. */
  set(symbol) {
    this.#chosen = symbol;
    if (this.#typing) return;
    this.input.value = symbol;
    this.#close();
  }

  #left() {
    if (document.activeElement === this.input) return;
    // The field never names another instrument than the one that is open.
    this.#typing = false;
    if (this.#chosen) this.input.value = this.#chosen;
    this.#close();
  }

  #typed() {
    this.#typing = true;
    clearTimeout(this.#timer);
    this.#request?.abort();
    if (!this.text) {
      this.#close();
      return;
    }
    this.#timer = setTimeout(() => this.#search(), PAUSE_MS);
  }

  async #search() {
    this.#request = new AbortController();
    try {
      this.#show(await searchInstruments(this.text, this.#request.signal));
    } catch (error) {
      if (error instanceof ApiError) this.#close();
      else if (error.name !== "AbortError") throw error;
    }
  }

  #show(options) {
    this.#options = options;
    this.list.replaceChildren(
      ...options.map((option, index) =>
        element("li", { role: "option", id: `option-${index}`, dataset: { index } }, element("span", { textContent: option.name }), element("span", { className: "muted", textContent: option.symbol })),
      ),
    );
    this.list.hidden = options.length === 0;
    this.input.setAttribute("aria-expanded", String(options.length > 0));
    this.#activate(options.length ? 0 : -1);
  }

  #activate(index) {
    this.#active = index;
    for (const [position, node] of [...this.list.children].entries()) node.setAttribute("aria-selected", String(position === index));
    if (index >= 0) {
      this.input.setAttribute("aria-activedescendant", `option-${index}`);
      this.list.children[index].scrollIntoView({ block: "nearest" });
    } else this.input.removeAttribute("aria-activedescendant");
  }

  #key(event) {
    const count = this.#options.length;
    if (this.list.hidden || !count) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.#activate((this.#active + (event.key === "ArrowDown" ? 1 : count - 1)) % count);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.#pick(this.#active);
    } else if (event.key === "Escape") this.#close();
  }

  #pick(index) {
    const option = this.#options[index];
    if (!option) return;
    this.#typing = false;
    this.set(option.symbol);
    this.onPick(option.symbol);
  }

  #close() {
    this.list.hidden = true;
    this.#options = [];
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
