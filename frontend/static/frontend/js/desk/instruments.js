// Facts about instruments (name, tick, lot, limits), fetched once each and kept.
import { get } from "../lib/api.js";

const cache = new Map();

/** Facts of one instrument; rejects with ApiError for an unknown symbol. */
export function instrument(symbol) {
  if (!cache.has(symbol)) {
    const request = get(`instruments/${encodeURIComponent(symbol)}`).then(({ body }) => {
      known.set(symbol, body);
      return body;
    });
    request.catch(() => cache.delete(symbol));
    cache.set(symbol, request);
  }
  return cache.get(symbol);
}

const known = new Map();

/** Facts that are here already, or null; never a request. */
export const knownInstrument = (symbol) => known.get(symbol) ?? null;

/** Forget the day's facts (limits, previous close): a new trade date has begun. */
export function forgetInstruments() {
  cache.clear();
}

/** Instruments whose code, name or pinyin begins with `text`. */
export async function searchInstruments(text, signal) {
  const { body } = await get(`instruments?q=${encodeURIComponent(text)}&limit=12`, { signal });
  return body.results;
}
