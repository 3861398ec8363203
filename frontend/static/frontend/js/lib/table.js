// A keyed table: rows are created once, moved, and changed cell by cell. No re-rendering, no lost focus, no jump.
import { element, flash, setText } from "./dom.js";

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

  /** @param {HTMLTableElement} table @param {Column[]} columns @param {{empty?: HTMLElement, onRow?: Function}} options */
  constructor(table, columns, { empty = null, onRow = null } = {}) {
    this.body = table.tBodies[0];
    this.columns = columns;
    this.empty = empty;
    this.onRow = onRow;
  }

  /** Show `items` ({key, ...}) in this order. */
  render(items) {
    const wanted = new Set(items.map((item) => item.key));
    for (const [key, row] of this.#rows) {
      if (!wanted.has(key)) {
        row.remove();
        this.#rows.delete(key);
        this.#sight.unobserve(row);
        for (const keys of [this.#seen, this.#late]) keys.delete(key);
      }
    }
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    let next = this.body.firstElementChild;
    for (const item of items) {
      const row = this.update(item) ?? this.#create(item);
      if (row === next) next = next.nextElementSibling;
      else this.body.insertBefore(row, next);
    }
    // A row that moves loses the focus that is in it.
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    if (this.empty) this.empty.hidden = items.length > 0;
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
    for (const column of this.columns) {
      const cell = element("td", { className: column.className ?? "" });
      row.append(cell);
      this.#fill(cell, column, item, true);
    }
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
