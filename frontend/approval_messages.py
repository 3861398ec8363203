"""Texts of the page of approvals."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trading.execution.choices import Kind
from trading.risk.choices import HeldSource

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
    **{f"held_source.{source.value}": source.label for source in HeldSource},
    "rule.and": _(", "),
    "rule.whole": _("{which} {time}{drift}"),
    "rule.every_order": _("Every order waits"),
    "rule.orders": _("Orders {which} wait"),
    "rule.of_user": _("of {user}"),
    "rule.on_account": _("on {account}"),
    "rule.of_strategy": _("of the strategy {strategy}"),
    "rule.side.BUY": _("to buy"),
    "rule.side.SELL": _("to sell"),
    "rule.of_symbols": _("in {symbols}"),
    "rule.symbols_more": _("{symbols} and {count} more"),
    "rule.from_sources": _("from {sources}"),
    "rule.from_value": _("worth {value} CNY or more"),
    "rule.wait": _("for somebody else, up to {time}."),
    "rule.drift": _(" They are denied if the price has moved by more than {percent}% by then."),
    "rule.minutes": _("{count} min"),
    "rule.seconds": _("{count} s"),
    "rules.new": _("New approval rule"),
    "rules.edit": _("Change"),
    "rules.edit_of": _("Change rule {id}"),
    "rules.on": _("On"),
    "rules.off": _("Off"),
    "rules.saved": _("The rule holds from the next order on; what waits already keeps waiting."),
    "rules.version": _("Version {version}, {when}, {who}"),
    "sudo.link": _("Confirm it is you"),
    "trial.waits": _("It would wait"),
    "trial.goes": _("It would not wait"),
    "trial.value": _("Valued at {value} CNY"),
    "trial.rules": _("Because of {rules}; up to {time}."),
    "trial.drift": _("Denied at approval if the price has moved by more than {percent}%."),
    "trial.approvers": _("Could decide: {people}."),
    "trial.nobody": _("Nobody could decide about it: it would expire."),
}


def approval_messages() -> dict[str, str]:
    """The texts in the active language."""
    return {key: str(text) for key, text in APPROVAL_MESSAGES.items()}
