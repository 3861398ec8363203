// A table on the clipboard, as spreadsheets take it: tabs between cells, figures without separators of thousands.
import { toast } from "./dom.js";
import { t } from "./text.js";

const NUMBER = /^[+-]?\d{1,3}(,\d{3})*(\.\d+)?%?$/;

/** A cell's texts with a space between; what a spreadsheet would take for a formula is marked as text. */
function words(cell) {
  const texts = [];
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) texts.push(walker.currentNode.data.trim());
  const line = texts.filter(Boolean).join(" ").replace(/\s+/g, " ");
  if (NUMBER.test(line)) return line.replaceAll(",", "");
  if (line === "—") return "";
  return /^[=@+-]/.test(line) ? `'${line}` : line;
}

/** The rows of `table` as they are shown, its heading first; hidden columns, and that of buttons, are left out. */
export function tableText(table) {
  const headings = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells]);
  const wanted = headings.map((_, index) => rows.length > 0 && !rows[0][index].matches(".card-acts") && getComputedStyle(rows[0][index]).display !== "none");
  return [headings, ...rows].map((cells) => cells.filter((_, index) => wanted[index]).map(words).join("\t")).join("\n");
}

/** Let `button` copy the table that `table()` answers. */
export function mountCopy(button, table) {
  button.addEventListener("click", async () => {
    const chosen = table();
    try {
      await navigator.clipboard.writeText(tableText(chosen));
      toast(t("copy.done", { count: chosen.tBodies[0].rows.length }));
    } catch {
      toast(t("copy.refused"), "", { bad: true }); // the browser forbids it, or the page is not served over HTTPS
    }
  });
}
