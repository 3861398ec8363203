// Bars and indicators of the server, in the chart's shape. Indicators are the server's own: the same figures as over REST.
import { get } from "../lib/api.js";
import { number } from "../lib/format.js";

const WAIT_SECONDS = 20;
const AGAIN_MS = 2000;
const MACD = "MACD";
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** One row of the server, or one live bar, as a bar of numbers. */
export const barOf = (milliseconds, { open, high, low, close, volume, amount }) => ({
  milliseconds, open: number(open), high: number(high), low: number(low), close: number(close), volume: number(volume), amount: number(amount),
});

/**
 * What `path` answers once it is complete. 202 means that the terminal is still downloading.
 *
 * @param {{current: () => boolean, waiting?: () => void}} reader  whether anybody still wants it; told of each 202
 * @returns {Promise<object|null>} the body; null when nobody wants it any more
 */
async function settled(path, { current, waiting = () => {} }) {
  for (;;) {
    const { status, body } = await get(path);
    if (!current()) return null;
    if (status !== 202) return body;
    waiting();
    await pause(AGAIN_MS);
    if (!current()) return null;
  }
}

const query = (symbol, period, count, adjust) => ({ symbols: symbol, period: period.code, count: String(count), adjust, wait: String(WAIT_SECONDS) });

/** The newest `count` bars, oldest first, with how many days lack bars; null when nobody wants them any more. */
export async function readBars({ symbol, period, count, adjust }, reader) {
  const wanted = new URLSearchParams({ ...query(symbol, period, count, adjust), ...(period.minutes ? {} : { open_day: "true" }) });
  const body = await settled(`bars?${wanted}`, reader);
  if (body === null) return null;
  return { bars: body.rows.filter((row) => !row.suspended).map((row) => barOf(number(row.time), row)), missingDays: body.missing_days };
}

/** Values of closed bars by their stamp; null when nobody wants them any more. */
export async function readValues({ symbol, period, count, adjust, means, macd }, reader) {
  const wishes = [...(means.length ? [`MA(${means.join(",")})`] : []), ...(macd ? [MACD] : [])];
  if (!wishes.length) return new Map();
  const wanted = new URLSearchParams({ ...query(symbol, period, count, adjust), indicators: wishes.join(",") });
  const body = await settled(`indicators?${wanted}`, reader);
  return body && new Map(body.rows.map((row) => [number(row.time), row]));
}
