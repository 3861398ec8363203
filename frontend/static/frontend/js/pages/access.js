// Pages about people: what is shown once can be copied, long tables can be narrowed.
import "../lib/shell.js";
import { byId } from "../lib/dom.js";

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue; // not over plain http from another machine: the text is there to be marked
  button.hidden = false;
  button.addEventListener("click", async () => {
    const node = byId(button.dataset.copy);
    const lines = node.children.length ? [...node.children] : [node];
    await navigator.clipboard.writeText(lines.map((line) => line.textContent.trim()).join("\n"));
    button.textContent = "✓";
  });
}

for (const input of document.querySelectorAll("[data-filters]")) {
  const rows = [...byId(input.dataset.filters).tBodies[0].rows];
  const none = byId(`${input.dataset.filters}-none`);
  input.hidden = false;
  input.addEventListener("input", () => {
    const needle = input.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(needle);
    none.hidden = rows.some((row) => !row.hidden);
  });
}
