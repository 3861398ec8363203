// The daily programmatic-trading report of one account.
import { get } from "../lib/api.js";
import { byId, element, setText } from "../lib/dom.js";
import { formatMoney, formatQuantity } from "../lib/format.js";
import { showRefusal } from "../lib/refusal.js";
import { t } from "../lib/text.js";

const COUNTS = ["orders", "orders_sent", "external_orders", "denied_orders", "cancels", "cancel_ratio_percent", "messages", "most_messages_in_a_second", "cancelled_within_a_second", "trades", "traded_amount", "largest_trade", "large_minutes"];
const MONEY = new Set(["traded_amount", "largest_trade", "cancel_ratio_percent"]);

export class Report {
  #account = null;
  #date = byId("report-date");

  constructor() {
    this.#date.addEventListener("change", () => this.refresh());
  }

  show(account) {
    this.#account = account;
    return this.refresh();
  }

  async refresh() {
    const query = new URLSearchParams({ account: this.#account.id, ...(this.#date.value ? { date: this.#date.value } : {}) });
    byId("report-csv").href = `/api/v1/reports/trading.csv?${query}`;
    try {
      const { body } = await get(`reports/trading?${query}`);
      if (body.account !== this.#account.id) return; // another was chosen meanwhile
      showRefusal(byId("report-error"));
      this.#draw(body);
    } catch (error) {
      showRefusal(byId("report-error"), error);
    }
  }

  #draw(report) {
    const line = byId("report-line");
    line.hidden = false;
    line.className = `notice report-line ${report.is_high_frequency ? "notice-bad" : "notice-good"}`;
    setText(line, `${report.trade_date} · ${t(report.is_high_frequency ? "report.high" : "report.normal", { second: report.high_frequency_per_second, day: formatQuantity(report.high_frequency_per_day) })}`);
    byId("report").replaceChildren(...COUNTS.map((name) => element("div", {}, element("dt", { textContent: t(`report.${name}`) }), element("dd", { className: "tabular", dataset: { figure: name }, textContent: MONEY.has(name) ? formatMoney(report[name]) : formatQuantity(report[name]) }))));
  }
}
