// Numbers and times as people read them. Decimals arrive as strings; here they are only shown, never decided on.

const ZONE = "Asia/Shanghai";
const money = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const time = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const stamp = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, dateStyle: "short", timeStyle: "medium" });

export const NONE = "—";

/** A float for display arithmetic, NaN when absent. */
export const number = (value) => (value === null || value === undefined || value === "" ? NaN : Number(value));

export const formatMoney = (value) => (Number.isFinite(number(value)) ? money.format(number(value)) : NONE);
export const formatQuantity = (value) => (Number.isFinite(number(value)) ? whole.format(number(value)) : NONE);
export const formatSigned = (value) => (Number.isFinite(value) ? (value > 0 ? "+" : "") + money.format(value) : NONE);
export const formatPercent = (ratio) => (Number.isFinite(ratio) ? `${ratio > 0 ? "+" : ""}${(ratio * 100).toFixed(2)}%` : NONE);

/** A price with the digits its tick has. */
export function formatPrice(value, digits = 2) {
  return Number.isFinite(number(value)) ? number(value).toFixed(digits) : NONE;
}

/** Digits after the point of a tick such as "0.01" or "0.0010". */
export function tickDigits(tick) {
  const [, fraction = ""] = String(tick ?? "0.01").split(".");
  return fraction.replace(/0+$/, "").length || 2;
}

export const formatTime = (value) => (value === null || value === undefined ? NONE : time.format(new Date(value)));
export const formatDateTime = (value) => (value === null || value === undefined ? NONE : stamp.format(new Date(value)).slice(5));
/** Date and time with the year, for what is looked up long afterwards. */
export const formatStamp = (value) => (value === null || value === undefined ? NONE : stamp.format(new Date(value)));

/** Shares in 万 or thousands would hide digits; lots for the book. */
export const formatLots = (shares, unit = 100) => formatQuantity(Math.floor(number(shares) / unit));
