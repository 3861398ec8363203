// The limits in force on one account, with what is used of each, refreshed while the page is looked at.
import { ApiError, get } from "../lib/api.js";
import { byId, element, setText } from "../lib/dom.js";
import { formatTime, number } from "../lib/format.js";
import { t } from "../lib/text.js";
import { figureIn } from "../lib/units.js";
import { paramWords } from "./params.js";

const EVERY_MS = 5000;
const NEARLY = 0.8;

export class Usage {
  #box = byId("effective");
  #account = null;
  #at = null;

  constructor() {
    setInterval(() => document.visibilityState === "visible" && this.refresh(), EVERY_MS);
  }

  show(account) {
    if (this.#account?.id !== account.id) this.#box.replaceChildren(element("p", { className: "empty", textContent: t("chart.loading") }));
    this.#account = account;
    return this.refresh();
  }

  async refresh() {
    const account = this.#account;
    if (account === null) return;
    const stale = byId("effective-stale");
    try {
      const { body } = await get(`risk/limits/effective?account=${account.id}`);
      if (account.id !== this.#account.id) return; // another was chosen meanwhile
      this.#at = Date.now();
      stale.hidden = true;
      this.#draw(body.results);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      stale.hidden = false;
      setText(stale, t("stale.panel", { time: formatTime(this.#at), reason: error.text }));
    }
  }

  #draw(kinds) {
    if (!kinds.length) {
      this.#box.replaceChildren(element("p", { className: "empty", textContent: t("effective.none") }));
      return;
    }
    // Redrawn only where something changed: a screen reader is not sent back to the start every five seconds.
    const known = new Map([...this.#box.querySelectorAll(".use")].map((node) => [node.dataset.facts, node]));
    this.#box.replaceChildren(
      ...kinds.map((kind) => {
        const facts = JSON.stringify(kind);
        return known.get(facts) ?? useOf(kind, facts);
      }),
    );
  }
}

function useOf({ kind, unit, decides, limits }, facts) {
  const parts = limits.map((limit) => limitLine(kind, unit, limit, limits.length > 1 && limit.id === decides));
  return element("div", { className: "use", dataset: { kind, facts } }, element("h3", { textContent: t(`limit.${kind}`) }), ...parts);
}

function limitLine(kind, unit, { id, scope, value, params, used, left }, decides) {
  const label = element("span", {}, t(`limit_scope.${scope}`), ...(decides ? [" ", element("span", { className: "badge badge-active", textContent: t("effective.decides") })] : []));
  const line = element("div", { className: "use-limit", dataset: { limit: id } }, element("div", { className: "use-line" }, label));
  if (value === null) {
    line.append(element("div", { className: "use-line" }, element("b", { textContent: paramWords(params) || t("limits.on") })));
    return line;
  }
  if (used === null) {
    line.append(element("div", { className: "use-line" }, element("b", { textContent: figureIn(value, unit) }), element("span", { textContent: t("effective.by_order") })));
    return line;
  }
  const share = number(value) > 0 ? number(used) / number(value) : 1;
  const bar = element("progress", { max: 1, value: Math.min(1, share), className: share >= 1 ? "used-up" : share >= NEARLY ? "nearly" : "", "aria-label": t("effective.usage", { limit: t(`limit.${kind}`) }) });
  line.append(bar, element("div", { className: "use-line" }, element("b", { textContent: t("effective.used", { used: figureIn(used, ""), value: figureIn(value, unit) }) }), element("span", { textContent: t("effective.left", { left: figureIn(left, "") }) })));
  return line;
}
