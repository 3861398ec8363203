// The periods of the chart: how many bars are shown of each, and how the bar that still grows is made.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
export const SHANGHAI_MS = 8 * HOUR_MS;
const MORNING_MS = 9.5 * HOUR_MS;
const MORNING_END_MS = 11.5 * HOUR_MS;
const AFTERNOON_MS = 13 * HOUR_MS;

/**
 * @typedef {Object} Period
 * @property {string} code     as the server calls it
 * @property {number} count    bars asked for
 * @property {number} minutes  length within the day; 0 for days and longer
 */
const period = (code, count, minutes = 0) => ({ code, count, minutes });
export const PERIODS = new Map(
  [period("1m", 720, 1), period("5m", 480, 5), period("15m", 320, 15), period("30m", 320, 30), period("60m", 320, 60), period("1d", 500), period("1w", 260), period("1mon", 120)].map((one) => [one.code, one]),
);

const timeOfDay = (milliseconds) => (milliseconds + SHANGHAI_MS) % DAY_MS;

/** Shanghai's midnight before an instant. */
export const midnight = (milliseconds) => milliseconds - timeOfDay(milliseconds);

/** The right edge of the bar of so many minutes that a minute belongs to, as the server folds them: never across lunch, the auction in the first. */
export function edge(milliseconds, minutes) {
  const ofDay = timeOfDay(milliseconds);
  const begin = ofDay <= MORNING_END_MS ? MORNING_MS : AFTERNOON_MS;
  const step = minutes * MINUTE_MS;
  return milliseconds - ofDay + begin + Math.max(Math.ceil((ofDay - begin) / step), 1) * step;
}

/** One bar of several minutes' bars, oldest first; `at` is its label. */
export function fold(minutes, at) {
  return {
    milliseconds: at,
    open: minutes[0].open,
    high: Math.max(...minutes.map(({ high }) => high)),
    low: Math.min(...minutes.map(({ low }) => low)),
    close: minutes.at(-1).close,
    volume: minutes.reduce((sum, { volume }) => sum + volume, 0),
    amount: minutes.reduce((sum, { amount }) => sum + amount, 0),
  };
}

/** The place of the bar that holds an instant: labels are right edges, those of days midnights; -1 before the first bar. */
export function placeOf(bars, milliseconds, { minutes }) {
  const wanted = minutes ? milliseconds : midnight(milliseconds);
  const after = bars.findIndex((bar) => bar.milliseconds >= wanted);
  if (after === 0 && (minutes || bars[0].milliseconds > wanted)) return bars[0].milliseconds === wanted ? 0 : -1;
  return after === -1 ? bars.length - 1 : after;
}
