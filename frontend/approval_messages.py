"""Texts of the page of approvals."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trading.execution.choices import Kind

APPROVAL_MESSAGES: dict[str, str | Promise] = {
    **{f"approval.kind.{kind.value}": kind.label for kind in Kind},
    "approval.accepted_now": _("Every check passes now."),
    "approval.approve": _("Approve"),
    "approval.approve_asked": _("Approve this?"),
    "approval.approved": _("Approved: on its way."),
    "approval.by": _("by {who}"),
    "approval.changed": _("It does not wait any more."),
    "approval.denied": _("Denied at approval"),
    "approval.denied_now": _("Would be denied now: {why}"),
    "approval.drift": _("{now} now, {drift}% since then"),
    "approval.expires": _("decide by {when}"),
    "approval.last": _("Price then"),
    "approval.legs_chosen": _("{count} of {total} legs; the rest is refused"),
    "approval.mine": _("Yours: somebody else decides."),
    "approval.not_yours": _("You may look at it; others decide."),
    "approval.refuse": _("Refuse"),
    "approval.refuse_asked": _("Refuse this?"),
    "approval.refused": _("Refused."),
    "approval.rules": _("Asked for by"),
    "approval.rule": _("rule {id}"),
    "approval.value": _("Value of the wish"),
}


def approval_messages() -> dict[str, str]:
    """The texts in the active language."""
    return {key: str(text) for key, text in APPROVAL_MESSAGES.items()}
