"""Texts of the order ticket's verdicts, its confirmation, and cancelling everything."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TICKET_MESSAGES: dict[str, str | Promise] = {
    "ticket.ready": _("Would be accepted now."),
    "ticket.protection": _("Protection limit: the worst price accepted"),
    "ticket.price": _("Price"),
    "ticket.confirm": _("{side} {quantity} {name}"),
    "ticket.reserves": _("Reserved until it ends: {cash} CNY"),
    "ticket.reserves_shares": _("Reserved until it ends: {quantity} shares"),
    "cancel_all.every": _("All"),
    "cancel_all.question": _("{count} open orders that you may cancel:"),
    "cancel_all.executions": _("{count} executions that are running end first: they would place new orders."),
    "cancel_all.executions_stay": _(
        "{count} executions are running and may place new orders: end them on the page Executions."
    ),
    "cancel_all.done": _("{count} cancels are under way"),
    "cancel_all.left": _("{count} were left alone: {codes}"),
    "order.detail": _("{side} {quantity} {name}"),
    "order.open": _("{time}: the order of {symbol} in full"),
    "order.fact.symbol": _("Instrument"),
    "order.fact.filled": _("Filled / ordered"),
    "order.fact.average": _("Average"),
    "order.fact.number": _("Broker number"),
    "order.fact.by": _("By"),
    "order.fact.strategy": _("Strategy"),
    "order.fact.status": _("Status"),
    "order.fact.reason": _("Reason"),
    "order.loading": _("Loading…"),
    "order.total": _("{status}, {time} in all"),
    "order.step.accepted": _("Accepted by the platform"),
    "order.step.approved": _("Approved by somebody else"),
    "order.step.claimed": _("Claimed by the trade worker"),
    "order.step.called": _("Handed to the terminal"),
    "order.step.answered": _("Answered by the terminal"),
    "order.step.reported": _("Reported by the broker, stored"),
    "order.step.final": _("Ended"),
    "replace": _("Replace"),
    "replace.order": _("Replace the order of {symbol}"),
    "replace.title": _("Replace: {side} {name}"),
    "replace.left": _("Traded so far: {traded}; ordered anew at most: {left}"),
    "replace.asked": _("The replacement is accepted"),
    "replace.asked_more": _("The old order is being cancelled; the new one follows when it has ended."),
    "replace.running": _("being replaced"),
    "replace.by": _("replaced by {number}"),
    "replace.not": _("not replaced: {reason}"),
    "replace.of": _("replaces {number}"),
    "banner.ACCOUNT": _("This account: {state}."),
    "banner.PERSON": _("You: {state}."),
    "banner.PLATFORM": _("The whole platform: {state}."),
    "banner.means.REDUCING": _("Sales only: buys are denied, what was queued before is not sent. Cancels always work."),
    "banner.means.HALTED": _("No new order is taken and nothing queued is sent. Cancels always work."),
    "banner.reason": _("Reason: {reason}"),
    "banner.change": _("Change…"),
}
