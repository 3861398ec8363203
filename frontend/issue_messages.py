"""Texts of the page of new issues."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trading.ledger.choices import IssueKind
from trading.subscriptions.choices import ResultState

ISSUE_MESSAGES: dict[str, str | Promise] = {
    **{f"issue_kind.{kind.value}": kind.label for kind in IssueKind},
    "issue_kind.STOCK": _("Share issue"),
    **{f"ipo_state.{state.value}": state.label for state in ResultState},
    "ipo.all_done": _("{made} subscribed on {accounts} accounts"),
    "ipo.no_plan": _("by hand only"),
    "ipo.no_quota_needed": _("needs none"),
    "ipo.not_yet": _("not subscribed yet"),
    "ipo.plan_by": _("in the name of {user}, since {since}"),
    "ipo.plan_of": _("Subscribe by itself on {account}"),
    "ipo.quota_unknown": _("not told yet"),
    "ipo.subscribe": _("Subscribe"),
    "ipo.subscribe_all": _("Subscribe everything ({count})…"),
    "ipo.subscribe_of": _("Subscribe {name} on {account}"),
    "ipo.subscribed": _("The subscription is accepted"),
    "ipo.unknown": _("The terminal has not told today's issues yet: {accounts}."),
}


def issue_messages() -> dict[str, str]:
    """The texts in the active language."""
    return {key: str(text) for key, text in ISSUE_MESSAGES.items()}
