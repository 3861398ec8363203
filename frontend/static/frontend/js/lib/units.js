// Figures of limits with their units.
import { hasText, t } from "./text.js";

/** A limit's figure with its unit: 50%, 1 s, 2,000. */
export function figureIn(value, unit) {
  const text = Number(value).toLocaleString("en-US", { maximumFractionDigits: 4 });
  return unit === "%" ? `${text}%` : hasText(`unit.${unit}`) ? `${text} ${t(`unit.${unit}`)}` : text;
}
