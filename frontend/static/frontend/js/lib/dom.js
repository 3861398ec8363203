// Small helpers around the document.

export const byId = (id) => document.getElementById(id);

/** Create an element with properties, a dataset and children. */
export function element(tag, { className = "", dataset = {}, ...properties } = {}, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  Object.assign(node.dataset, dataset);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") || name === "role" || name === "tabindex") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

/** Set text only when it differs: no layout work, no lost selection. Returns whether it changed. */
export function setText(node, text) {
  if (node.textContent === text) return false;
  node.textContent = text;
  return true;
}

/** "up", "down" or "" by the sign of a number. */
export const tone = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");

/** Replace the up/down colour of a node by the sign of `value`. */
export function setTone(node, value) {
  const wanted = tone(value);
  node.classList.toggle("up", wanted === "up");
  node.classList.toggle("down", wanted === "down");
}

/** Restart the short background flash of a changed cell. */
export function flash(node, direction) {
  const name = direction > 0 ? "flash-up" : "flash-down";
  // Of two equal animations the other one starts anew; restarting one would make the browser measure the page, cell by cell.
  const next = node.classList.contains(name) ? `${name}-again` : name;
  node.classList.remove("flash-up", "flash-up-again", "flash-down", "flash-down-again");
  node.classList.add(next);
}

const MOST_TOASTS = 5;

/** Show a message in the corner for some seconds. */
export function toast(title, detail = "", { bad = false, seconds = 6 } = {}) {
  const node = element("div", { className: bad ? "toast toast-bad" : "toast" }, element("strong", { textContent: title }), detail);
  const box = byId("toasts");
  box.append(node);
  while (box.children.length > MOST_TOASTS) box.firstElementChild.remove();
  setTimeout(() => node.remove(), seconds * 1000);
}

/** The data that the page was rendered with. */
export const boot = JSON.parse(byId("boot")?.textContent ?? "{}");
