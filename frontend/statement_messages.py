"""Texts of the page of statements and differences."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trading.ledger.choices import DifferenceKind, DifferenceState, EntryKind

STATEMENT_MESSAGES: dict[str, str | Promise] = {
    **{f"entry.{kind.value}": kind.label for kind in EntryKind},
    **{f"difference.{kind.value}": kind.label for kind in DifferenceKind},
    **{f"difference_state.{state.value}": state.label for state in DifferenceState},
    "sudo.link": _("Confirm it is you"),
    "statement.open": _("{date} goes on: figures of now"),
    "statement.closed": _("{date} is closed"),
    "statement.opening_equity": _("Equity at the last close"),
    "statement.equity": _("Equity"),
    "statement.cash": _("Cash, frozen included"),
    "statement.market_value": _("Market value"),
    "statement.profit": _("Profit of the day"),
    "statement.realised": _("Realised"),
    "statement.external": _("Paid in, less paid out"),
    "statement.fees": _("Fees, estimated"),
    "statement.days": _("{days} days"),
    "profit.nobody": _("Nobody (from the terminal, or held before)"),
    "profit.no_strategy": _("No strategy"),
    "differences.resolve": _("Settle"),
    "differences.resolve_of": _("Settle the difference of {key}"),
    "differences.taken": _("Our books took the broker's value."),
    "differences.settled": _("{who}, {when}"),
    "differences.compared": _("Compared with the broker {when}; {count} open."),
    "differences.never": _("Not compared with the broker yet."),
    "differences.asked": _("Being compared…"),
    "differences.restricted": _("No new orders in: {symbols}"),
    "differences.both": _("Ours: {ours}. The broker's: {theirs}."),
}


def statement_messages() -> dict[str, str]:
    """The texts in the active language."""
    return {key: str(text) for key, text in STATEMENT_MESSAGES.items()}
