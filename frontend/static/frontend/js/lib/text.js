// Translated texts come with the page (frontend/messages.py); a missing key shows itself.
import { boot } from "./dom.js";

const messages = boot.messages ?? {};

/** The text of `key` in the person's language, `{name}` replaced from `facts`. */
export function t(key, facts = {}) {
  const text = messages[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in facts ? String(facts[name]) : whole));
}

/** Whether a text exists for `key`. */
export const hasText = (key) => key in messages;
