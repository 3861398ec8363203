// Instruments × months. Only the rows in sight exist; the focus stays on the grid and an active cell moves within it, so
// that scrolling rows away never loses it.
import { element, setText } from "../lib/dom.js";
import { t } from "../lib/text.js";

const OVERSCAN = 6;
const UNEXPECTED = -1;

/** Height step of a percentage: what is seen must tell "all" from "nearly all", and "none" from "little". */
const level = (ratio) => (ratio === UNEXPECTED ? "none" : ratio === 0 ? "0" : ratio === 100 ? "full" : ratio < 34 ? "1" : ratio < 67 ? "2" : "3");

/** The words of a month's percentage. */
export function monthWords(ratio) {
  if (ratio === UNEXPECTED) return t("coverage.month.unexpected");
  if (ratio === 0) return t("coverage.month.none");
  return ratio === 100 ? t("coverage.month.all") : t("coverage.month.part", { percent: ratio });
}

/** Fires "move" ({row, month}) when the active cell changes and "open" ({row}) when a person wants its instrument. */
export class HeatGrid extends EventTarget {
  #rows = [];
  #months = [];
  #pool = [];
  #active = { row: 0, month: 0 };
  #frame = 0;

  /** @param {HTMLElement} root the focusable, scrolling grid with a `.heat-head` and a `.heat-body` */
  constructor(root) {
    super();
    this.root = root;
    this.head = root.querySelector(".heat-head");
    this.body = root.querySelector(".heat-body");
    root.addEventListener("scroll", () => this.#schedule(), { passive: true });
    root.addEventListener("keydown", (event) => this.#key(event));
    root.addEventListener("focus", () => this.#announce());
    this.body.addEventListener("click", (event) => this.#clicked(event));
    new ResizeObserver(() => this.#schedule()).observe(root);
  }

  /** Show rows of {symbol, name, ratios}, one ratio per month. */
  show(months, rows) {
    const other = months.length !== this.#months.length || months.some((month, at) => month !== this.#months[at]);
    this.#months = months;
    this.#rows = rows;
    this.root.style.setProperty("--months", months.length);
    this.root.setAttribute("aria-rowcount", rows.length + 1);
    this.root.setAttribute("aria-colcount", months.length + 1);
    this.body.style.height = `${rows.length * this.#height}px`;
    if (other) {
      this.#drawHead();
      for (const row of this.#pool) row.remove();
      this.#pool = [];
      this.#active = { row: 0, month: months.length - 1 };
    }
    this.#active.row = Math.min(this.#active.row, Math.max(0, rows.length - 1));
    this.root.scrollTop = Math.min(this.root.scrollTop, this.#active.row * this.#height);
    this.#draw();
    if (other) this.root.scrollLeft = this.root.scrollWidth;
  }

  get active() {
    const row = this.#rows[this.#active.row];
    return row ? { row, month: this.#months[this.#active.month], ratio: row.ratios[this.#active.month] } : null;
  }

  get #height() {
    return Number.parseFloat(getComputedStyle(this.root).getPropertyValue("--row"));
  }

  #drawHead() {
    const years = this.#months.map((month, at) => {
      const january = month.endsWith("-01") || (at === 0 && !month.endsWith("-12"));
      return element("span", { role: "columnheader", "aria-colindex": String(at + 2), title: month }, element("span", { className: "visually-hidden", textContent: month }), element("span", { "aria-hidden": "true", textContent: january ? month.slice(0, 4) : "" }));
    });
    this.head.replaceChildren(this.head.firstElementChild, ...years);
  }

  #schedule() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const height = this.#height;
    const first = Math.max(0, Math.floor(this.root.scrollTop / height) - OVERSCAN);
    const last = Math.min(this.#rows.length, Math.ceil((this.root.scrollTop + this.root.clientHeight) / height) + OVERSCAN);
    while (this.#pool.length < last - first) {
      const row = this.#newRow();
      this.#pool.push(row);
      this.body.append(row);
    }
    while (this.#pool.length > last - first) this.#pool.pop().remove();
    // A row of the pool serves the rows of its remainder: scrolling by one line changes one row.
    for (let index = first; index < last; index += 1) this.#fill(this.#pool[index % this.#pool.length], index, height);
    this.#mark();
  }

  #newRow() {
    const name = element("div", { className: "heat-name", role: "rowheader", "aria-colindex": "1" }, element("span"), element("span", { className: "muted" }));
    const cells = this.#months.map((month, at) => element("div", { className: "heat-cell", role: "gridcell", "aria-colindex": String(at + 2), dataset: { month: String(at) } }));
    return element("div", { className: "heat-row", role: "row" }, name, ...cells);
  }

  #fill(node, index, height) {
    const row = this.#rows[index];
    node.dataset.index = String(index);
    node.setAttribute("aria-rowindex", String(index + 2));
    node.style.transform = `translateY(${index * height}px)`;
    const [name, ...cells] = node.children;
    setText(name.children[0], row.symbol);
    setText(name.children[1], row.name);
    name.title = `${row.symbol} ${row.name}`;
    cells.forEach((cell, at) => {
      const ratio = row.ratios[at];
      const key = `${row.symbol} ${ratio}`;
      if (cell.dataset.key === key) return;
      cell.dataset.key = key;
      cell.dataset.level = level(ratio);
      const words = `${row.symbol} ${this.#months[at]}: ${monthWords(ratio)}`;
      cell.setAttribute("aria-label", words);
      cell.title = words;
    });
  }

  #mark() {
    for (const node of this.root.querySelectorAll(".heat-active")) node.classList.remove("heat-active");
    for (const node of this.#pool) {
      const here = Number(node.dataset.index) === this.#active.row;
      node.classList.toggle("heat-row-active", here);
      node.children[this.#active.month + 1]?.removeAttribute("id");
      for (const cell of node.querySelectorAll("#heat-active")) cell.removeAttribute("id");
      if (!here) continue;
      const cell = node.children[this.#active.month + 1];
      if (!cell) continue;
      cell.id = "heat-active";
      if (document.activeElement === this.root) cell.classList.add("heat-active");
    }
    if (this.root.querySelector("#heat-active")) this.root.setAttribute("aria-activedescendant", "heat-active");
    else this.root.removeAttribute("aria-activedescendant");
  }

  #key(event) {
    const { row, month } = this.#active;
    const page = Math.max(1, Math.floor(this.root.clientHeight / this.#height) - 2);
    const rowEnd = this.#rows.length - 1;
    const monthEnd = this.#months.length - 1;
    const whole = event.ctrlKey || event.metaKey;
    const target = {
      ArrowUp: [row - 1, month],
      ArrowDown: [row + 1, month],
      ArrowLeft: [row, month - 1],
      ArrowRight: [row, month + 1],
      PageUp: [row - page, month],
      PageDown: [row + page, month],
      Home: [whole ? 0 : row, 0],
      End: [whole ? rowEnd : row, monthEnd],
    }[event.key];
    if (target) {
      event.preventDefault();
      this.#go(Math.max(0, Math.min(rowEnd, target[0])), Math.max(0, Math.min(monthEnd, target[1])));
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#open();
    }
  }

  #go(row, month) {
    this.#active = { row, month };
    const height = this.#height;
    const head = this.head.offsetHeight;
    const top = row * height;
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    else if (top + height > this.root.scrollTop + this.root.clientHeight - head) this.root.scrollTop = top + height - this.root.clientHeight + head;
    this.#draw();
    const cell = this.root.querySelector("#heat-active");
    if (cell) {
      const name = cell.parentElement.firstElementChild.offsetWidth;
      if (cell.offsetLeft - name < this.root.scrollLeft) this.root.scrollLeft = cell.offsetLeft - name;
      else if (cell.offsetLeft + cell.offsetWidth > this.root.scrollLeft + this.root.clientWidth) this.root.scrollLeft = cell.offsetLeft + cell.offsetWidth - this.root.clientWidth;
    }
    this.#announce();
  }

  #clicked(event) {
    const row = event.target.closest(".heat-row");
    if (!row) return;
    const month = Number(event.target.closest(".heat-cell")?.dataset.month ?? this.#active.month);
    this.#go(Number(row.dataset.index), month);
    this.#open();
  }

  #open() {
    if (this.active) this.dispatchEvent(new CustomEvent("open", { detail: this.active }));
  }

  #announce() {
    this.#mark();
    if (this.active) this.dispatchEvent(new CustomEvent("move", { detail: this.active }));
  }
}
