// A refusal in its place on the page; one that asks who one is leads there and back.
import { ApiError } from "./api.js";
import { element } from "./dom.js";
import { t } from "./text.js";

/** Show `error` in `box`, or nothing; what is no answer of the server is thrown on. */
export function showRefusal(box, error = null) {
  if (error !== null && !(error instanceof ApiError)) throw error;
  box.replaceChildren();
  box.hidden = error === null;
  if (error === null) return;
  box.append(element("span", { textContent: error.text }));
  if (error.field) box.append(element("span", {}, " ", element("code", { textContent: error.field })));
  if (error.code === "SUDO_REQUIRED") {
    box.append(" ", element("a", { href: `/confirm/?next=${encodeURIComponent(location.pathname)}`, textContent: t("sudo.link") }));
  }
}

/** Run `act` with the form's button held; its refusal is shown in `box`. True when it went through. */
export async function attempt(button, box, act) {
  button.disabled = true;
  showRefusal(box);
  try {
    await act();
    return true;
  } catch (error) {
    showRefusal(box, error);
    return false;
  } finally {
    button.disabled = false;
  }
}
