// What a person chose to see on charts, kept in this browser.
import { rememberObject, rememberedObject } from "../lib/remember.js";
import { PERIODS } from "./periods.js";

const KEY = "desk.chart";
const LEAST = 2;
const MOST = 250; // the server's bound of a mean's length
export const MOST_MEANS = 6;
export const DEFAULTS = Object.freeze({ period: "1m", adjust: "none", means: Object.freeze([5, 10, 20, 60]), macd: true, trades: true, levels: true });

/** Lengths of moving means as typed, "5, 10, 20", in order and each once; null when that is not what stands there. */
export function parseMeans(text) {
  const parts = text.split(/[\s,，、]+/).filter(Boolean);
  const lengths = [...new Set(parts.map(Number))].sort((a, b) => a - b);
  return lengths.length <= MOST_MEANS && lengths.every((length) => Number.isInteger(length) && length >= LEAST && length <= MOST) ? lengths : null;
}

/** The kept settings; what an older page or a hand left there in another shape is not believed. */
export function loadSettings() {
  const kept = rememberedObject(KEY);
  const flag = (name) => (typeof kept[name] === "boolean" ? kept[name] : DEFAULTS[name]);
  return {
    period: PERIODS.has(kept.period) ? kept.period : DEFAULTS.period,
    adjust: kept.adjust === "front" ? "front" : "none",
    means: (Array.isArray(kept.means) && parseMeans(kept.means.join(","))) || [...DEFAULTS.means],
    macd: flag("macd"),
    trades: flag("trades"),
    levels: flag("levels"),
  };
}

export const saveSettings = (settings) => rememberObject(KEY, settings);
