// What this browser keeps between visits: choices of a person, never data. Without storage a choice lasts as long as the page.
import { boot } from "./dom.js";

/** The text kept under `key`, or `fallback`. */
export function remembered(key, fallback = null) {
  try {
    return localStorage.getItem(key) ?? fallback;
  } catch {
    return fallback; // private windows may refuse storage
  }
}

export function remember(key, text) {
  try {
    localStorage.setItem(key, text);
  } catch {
    // Nothing to be done: the choice is still in force on this page.
  }
}

const own = (key) => `${key}.${boot.user?.id ?? "nobody"}`;

/** A person's object under `key`; {} where there is none or it cannot be read. Two people at one browser keep theirs apart. */
export function rememberedObject(key) {
  try {
    const value = JSON.parse(remembered(own(key), "{}"));
    return value !== null && typeof value === "object" ? value : {};
  } catch {
    return {};
  }
}

export const rememberObject = (key, value) => remember(own(key), JSON.stringify(value));
