// A transfer in words, and what one may do with it.
import { element } from "../lib/dom.js";
import { formatMoney } from "../lib/format.js";
import { t } from "../lib/text.js";

export const wording = ({ kind, amount }) => `${t(`transfer_kind.${kind}`)} · ¥${formatMoney(amount)}`;

/** `div`s of a `dl`: where the money goes, what for, and who asked. */
export function facts({ bank_no: bank, bank_account: account, note, created_by: who }, accountName) {
  const rows = [[accountName, t("transfer.by", { who })], [t("transfer.purpose"), note]];
  if (bank) rows.push([t("transfer.bank"), `${bank} ${account}`]);
  return rows.map(([name, value]) => element("div", {}, element("dt", { textContent: name }), element("dd", { textContent: value })));
}

/** What may be done with it: by its maker, and by somebody else who may move the account's money. The server asks again. */
export function actsOn({ status, created_by: maker }, { own, mover }) {
  if (own.includes(maker)) return ["PENDING_APPROVAL", "QUEUED"].includes(status) ? ["cancel"] : [];
  if (!mover) return [];
  return { PENDING_APPROVAL: ["approve", "refuse"], UNKNOWN: ["resolve"] }[status] ?? [];
}

/** One button for each act. */
export function actButtons(acts, transfer, run) {
  return acts.map((act) => {
    const words = t(`transfer.act.${act}`);
    const button = element("button", { type: "button", className: `button button-small${act === "approve" ? " button-primary" : ""}`, dataset: { act }, textContent: words, "aria-label": t("transfer.act_of", { act: words, what: wording(transfer) }) });
    button.addEventListener("click", () => run(act, transfer));
    return button;
  });
}
