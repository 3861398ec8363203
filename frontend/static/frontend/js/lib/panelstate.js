// Why a list made by hand has nothing to show, and a button that asks again. A KeyedTable says so itself.
import { element } from "./dom.js";
import { t } from "./text.js";

const words = new WeakMap(); // paragraph -> what it says of an empty list

/** Say in `node`, the list's `.empty` paragraph, why it could not be read; the button calls `retry`. */
export function standIn(node, error, retry) {
  if (!words.has(node)) words.set(node, [...node.childNodes]);
  const pressed = node.contains(document.activeElement);
  const again = element("button", { type: "button", className: "button button-small", textContent: t("panel.again") });
  again.addEventListener("click", () => retry());
  node.replaceChildren(element("span", { textContent: error.text }), " ", again);
  node.hidden = false;
  if (pressed) again.focus();
}

/** The list was read: the paragraph says of an empty one what it said before. */
export function standDown(node) {
  if (words.has(node)) node.replaceChildren(...words.get(node));
}
