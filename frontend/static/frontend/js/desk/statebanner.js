// Why trading is bounded now, by whom, and what that means: the most restrictive of platform, person and account.
import { ApiError, get } from "../lib/api.js";
import { boot, byId, element, setText } from "../lib/dom.js";
import { formatDateTime } from "../lib/format.js";
import { t } from "../lib/text.js";

const STRICTNESS = ["ACTIVE", "REDUCING", "HALTED"];

export class StateBanner {
  #box = byId("state-banner");
  #account = null;
  #above = [];

  /** The account as the page knows it: state and rights. */
  account(account) {
    this.#account = account;
    this.#draw();
  }

  /** Ask for the states above the account: of the platform and of this person. */
  async refresh() {
    try {
      const { body } = await get("trading-states");
      this.#above = [
        { whose: "PLATFORM", state: body.platform, reason: body.platform_reason, since: body.platform_changed_at, by: body.platform_changed_by },
        { whose: "PERSON", state: body.persons[boot.user.username] ?? "ACTIVE", reason: "" },
      ];
      this.#draw();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // what is shown stays
    }
  }

  #draw() {
    const states = [...this.#above, ...(this.#account ? [{ whose: "ACCOUNT", state: this.#account.state, reason: this.#account.state_reason ?? "", since: this.#account.state_since, by: this.#account.state_by }] : [])];
    const strict = ({ state }) => STRICTNESS.indexOf(state);
    const bound = states.filter((one) => strict(one) > 0).sort((a, b) => strict(b) - strict(a));
    this.#box.hidden = bound.length === 0;
    if (!bound.length) return;
    const [{ state }] = bound;
    this.#box.dataset.state = state;
    const who = bound.map((one) => [t(`banner.${one.whose}`, { state: t(`state.${one.state}`) }), one.reason && t("banner.reason", { reason: one.reason }), one.since && t("banner.since", { when: formatDateTime(one.since), who: one.by })].filter(Boolean).join(" ")).join(" ");
    const words = `${who} ${t(`banner.means.${state}`)}`;
    if (!this.#box.firstElementChild) this.#box.append(element("span"), " ", element("a", { textContent: t("banner.change") }));
    setText(this.#box.children[0], words);
    const link = this.#box.children[1];
    const own = bound.some(({ whose }) => whose === "ACCOUNT");
    link.hidden = own && !this.#account.rights?.resume;
    link.setAttribute("href", own ? "/accounts/" : "/risk/");
  }
}
