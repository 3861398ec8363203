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
    "cancel_all.question": _("{count} orders are open. Cancel those you may cancel?"),
    "cancel_all.done": _("{count} cancels are under way"),
    "cancel_all.left": _("{count} were left alone: {codes}"),
}
