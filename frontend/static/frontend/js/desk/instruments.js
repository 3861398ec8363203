// Facts about instruments (name, tick, lot, limits), fetched once each and kept. What is asked for together is one request.
import { ApiError, get } from "../lib/api.js";

const AT_ONCE = 200; // symbols in one address
const cache = new Map(); // symbol -> promise of its facts
const known = new Map();
let waiting = new Map(); // symbol -> {resolve, reject}, until the present task has asked for all it needs

/** Facts of one instrument; rejects with ApiError for an unknown symbol. */
export function instrument(symbol) {
  if (!cache.has(symbol)) {
    const request = new Promise((resolve, reject) => {
      if (!waiting.size) queueMicrotask(fetchWaiting);
      waiting.set(symbol, { resolve, reject });
    });
    request.then((facts) => known.set(symbol, facts)).catch(() => cache.delete(symbol));
    cache.set(symbol, request);
  }
  return cache.get(symbol);
}

function fetchWaiting() {
  const asked = [...waiting];
  waiting = new Map();
  for (let at = 0; at < asked.length; at += AT_ONCE) fetchSome(asked.slice(at, at + AT_ONCE));
}

async function fetchSome(asked) {
  if (asked.length === 1) {
    const [[symbol, { resolve, reject }]] = asked;
    get(`instruments/${encodeURIComponent(symbol)}`).then(({ body }) => resolve(body), reject);
    return;
  }
  try {
    const { body } = await get(`instruments?${new URLSearchParams({ symbols: asked.map(([symbol]) => symbol).join(",") })}`);
    // In the order asked, under their present codes; two codes of one instrument are one row.
    if (body.results.length !== asked.length) for (const one of asked) fetchSome([one]);
    else asked.forEach(([, { resolve }], place) => resolve(body.results[place]));
  } catch (error) {
    // One that nobody knows refuses them all: each is asked for by itself.
    if (error instanceof ApiError && error.status === 400) for (const one of asked) fetchSome([one]);
    else for (const [, { reject }] of asked) reject(error);
  }
}

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
