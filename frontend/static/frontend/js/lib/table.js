// A keyed table: rows are created once, moved, and changed cell by cell. No re-rendering, no lost focus, no jump.
import { element, flash, setText } from "./dom.js";
import { formatTime } from "./format.js";
import { t } from "./text.js";

const WAITING_ROWS = 3;

/**
 * @typedef {Object} Column
 * @property {(row: object) => string} text        what the cell shows
 * @property {string} [className]                   classes of the cell
 * @property {(row: object) => string} [tone]       "up", "down" or ""
 * @property {(row: object) => number} [flashOn]    flashes when this number changes
 * @property {(cell: HTMLElement, row: object) => void} [fill]   draws the cell itself instead of `text`
 */
export class KeyedTable {
  #rows = new Map();
  #seen = new Set(); // keys of the rows in sight
  #late = new Map(); // key -> what a row shows once it is in sight
  #sight = new IntersectionObserver((entries) => this.#sighted(entries));
  #state = null; // what stands in the place of rows, or below them: grey bars, or why there is nothing newer
  #at = null; // when the rows were true
  #labels;

  /**
   * @param {HTMLTableElement} table  of class "cards": on a phone each row is a card of names and values
   * @param {Column[]} columns @param {{empty?: HTMLElement, onRow?: Function}} options
   */
  constructor(table, columns, { empty = null, onRow = null } = {}) {
    this.table = table;
    this.body = table.tBodies[0];
    this.columns = columns;
    this.empty = empty;
    this.onRow = onRow;
    this.#labels = table.classList.contains("cards") ? [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim()) : null;
    // A row that is drawn as a grid is none to a screen reader unless it says so.
    if (this.#labels) for (const [node, role] of [[table, "table"], [table.tHead, "rowgroup"], [this.body, "rowgroup"], ...[...table.tHead.rows].map((row) => [row, "row"])]) node.setAttribute("role", role);
  }

  /** Nothing is known yet: grey bars stand where the rows will. */
  wait() {
    this.render([]);
    this.#at = null;
    if (this.empty) this.empty.hidden = true;
    this.table.setAttribute("aria-busy", "true");
    const bars = Array.from({ length: WAITING_ROWS }, () => element("span"));
    this.#stand(element("div", { className: "skeleton" }, element("span", { className: "visually-hidden", textContent: t("panel.loading") }), ...bars));
  }

  /** What was asked for did not come: say why, since when the rows are old, and offer `retry`. Rows that are here stay, greyed. */
  fail(error, retry) {
    const words = this.#at === null ? error.text : t("panel.old", { time: formatTime(this.#at), reason: error.text });
    const again = element("button", { type: "button", className: "button button-small", textContent: t("panel.again") });
    again.addEventListener("click", () => retry());
    if (this.empty) this.empty.hidden = true;
    this.table.removeAttribute("aria-busy");
    this.table.classList.toggle("is-old", this.#at !== null);
    // The button that was pressed is replaced by its like: the focus stays on it.
    const pressed = this.#state?.contains(document.activeElement);
    this.#stand(element("div", { className: "panel-state", role: "status" }, element("span", { textContent: words }), again));
    if (pressed) again.focus();
  }

  #stand(node) {
    this.#state?.remove();
    this.#state = node;
    if (node) this.table.after(node);
  }

  /** Show `items` ({key, ...}) in this order. */
  render(items) {
    if (this.#state) {
      this.#stand(null);
      this.table.removeAttribute("aria-busy");
      this.table.classList.remove("is-old");
    }
    this.#at = Date.now();
    const wanted = new Set(items.map((item) => item.key));
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    const place = focused ? [...this.body.rows].indexOf(focused.closest("tr")) : -1;
    for (const [key, row] of this.#rows) {
      if (!wanted.has(key)) {
        row.remove();
        this.#rows.delete(key);
        this.#sight.unobserve(row);
        for (const keys of [this.#seen, this.#late]) keys.delete(key);
      }
    }
    let next = this.body.firstElementChild;
    for (const item of items) {
      const row = this.update(item) ?? this.#create(item);
      if (row === next) next = next.nextElementSibling;
      else this.body.insertBefore(row, next);
    }
    // A row that moves loses the focus that is in it.
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    // One that goes hands it to the row that takes its place, the last one to what holds the table.
    if (focused && !focused.isConnected) this.#focusRow(Math.min(place, this.body.rows.length - 1));
    if (this.empty) this.empty.hidden = items.length > 0;
  }

  #focusRow(index) {
    (this.body.rows[index]?.querySelector("button, a") ?? this.table.parentElement).focus({ preventScroll: true });
  }

  /** Change the cells of one existing row, `quiet`: without flashing; returns the row or null. */
  update(item, quiet = false) {
    const row = this.#rows.get(item.key);
    if (!row) return null;
    this.#late.delete(item.key);
    this.columns.forEach((column, index) => this.#fill(row.cells[index], column, item, quiet));
    return row;
  }

  /** As `update`, for what changes many times a second: a row out of sight waits until it is seen. */
  refresh(item, quiet = false) {
    if (this.#seen.has(item.key)) this.update(item, quiet);
    else if (this.#rows.has(item.key)) this.#late.set(item.key, item);
  }

  /** Mark the row of `key` as selected, and no other. */
  select(key) {
    for (const [candidate, row] of this.#rows) row.setAttribute("aria-selected", String(candidate === key));
  }

  #create(item) {
    const row = element("tr", { dataset: { key: item.key } });
    this.columns.forEach((column, index) => {
      const cell = element("td", { className: column.className ?? "" });
      if (this.#labels) {
        cell.dataset.label = this.#labels[index];
        cell.setAttribute("role", "cell");
      }
      row.append(cell);
      this.#fill(cell, column, item, true);
    });
    if (this.#labels) row.setAttribute("role", "row");
    this.#rows.set(item.key, row);
    this.#sight.observe(row);
    this.onRow?.(row, item);
    return row;
  }

  #sighted(entries) {
    for (const { target, isIntersecting } of entries) {
      const { key } = target.dataset;
      if (!isIntersecting) this.#seen.delete(key);
      else {
        this.#seen.add(key);
        if (this.#late.has(key)) this.update(this.#late.get(key), true);
      }
    }
  }

  #fill(cell, column, item, quiet) {
    if (column.fill) {
      column.fill(cell, item);
      return;
    }
    const changed = setText(cell, column.text(item));
    if (column.tone) {
      const wanted = column.tone(item);
      cell.classList.toggle("up", wanted === "up");
      cell.classList.toggle("down", wanted === "down");
    }
    if (changed && column.flashOn) {
      const value = column.flashOn(item);
      const before = Number(cell.dataset.value ?? "NaN");
      if (!quiet && Number.isFinite(before) && value !== before) flash(cell, value - before);
      cell.dataset.value = String(value);
    }
  }
}
