"""Texts of the page of transfers, and of transfers in the queue of approvals."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trading.money.choices import TransferKind, TransferStatus

#: What the dialog that decides says; the queue of approvals has it too.
DECISION_MESSAGES: dict[str, str | Promise] = {
    **{f"transfer_kind.{kind.value}": kind.label for kind in TransferKind},
    **{f"transfer_status.{status.value}": status.label for status in TransferStatus},
    "sudo.link": _("Confirm it is you"),
    "transfer.act.approve": _("Approve"),
    "transfer.act.refuse": _("Refuse"),
    "transfer.act.resolve": _("Settle"),
    "transfer.act.cancel": _("Take back"),
    "transfer.act_of": _("{act}: {what}"),
    "transfer.ask.approve": _("Approve this transfer?"),
    "transfer.ask.refuse": _("Refuse this transfer?"),
    "transfer.ask.resolve": _("What does the bank's statement show?"),
    "transfer.ask.cancel": _("Take this transfer back?"),
    "transfer.approved": _("Approved: it is being sent."),
    "transfer.refused": _("Refused."),
    "transfer.resolved": _("Settled."),
    "transfer.cancelled": _("Taken back: nothing was sent."),
    "transfer.failed": _("It was not sent"),
    "transfer.bank": _("Bank, account there"),
    "transfer.by": _("by {who}"),
    "transfer.expires": _("decide by {when}"),
    "transfer.mine": _("Yours: somebody else decides."),
    "transfer.purpose": _("Purpose"),
}

MONEY_MESSAGES: dict[str, str | Promise] = {
    **DECISION_MESSAGES,
    "transfer.asked": _("Asked for: somebody else decides now."),
    "transfer.known": _("This was asked for already."),
    "transfer.accepted": _("Nothing speaks against it; a second person would decide."),
    "transfer.denied": _("Would be denied"),
    "transfer.free": _("Free: {amount} CNY"),
    "transfer.incomplete": _("Amount in CNY, with at most two decimals."),
    "transfer.lost": _("Whether it arrived is not known. Press again: it cannot be asked for twice."),
    "transfer.banks_none": _("The terminal names no bank for this account."),
    "transfer.open": _("Show the steps of: {what}"),
    "transfer.step_by": _("{who}, {when}"),
    "transfer.limit_unset": _("No limit is set: nothing may be moved."),
    "transfer.limit_saved": _("The limits hold from now on."),
    "transfer.limit_set": _("Set by {who}, {when}"),
    "transfer.limit_change": _("Change"),
    "transfer.limit_of": _("Limits of {account}"),
}


def money_messages() -> dict[str, str]:
    """The texts in the active language."""
    return {key: str(text) for key, text in MONEY_MESSAGES.items()}


def decision_messages() -> dict[str, str]:
    """The texts of deciding alone."""
    return {key: str(text) for key, text in DECISION_MESSAGES.items()}
