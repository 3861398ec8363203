"""Texts of the page about the system."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trading.orders.choices import Status
from trading.orders.metrics import WAITING

SYSTEM_MESSAGES: dict[str, str | Promise] = {
    "process.OK": _("Running"),
    "process.LATE": _("Late"),
    "process.SILENT": _("Silent"),
    "process.MISSING": _("Never reported"),
    "process.optional": _("not required"),
    "processes.all": _("{count} processes, all of them report"),
    "processes.trouble": _("{trouble} of {count} processes do not report as they should"),
    "age.seconds": _("{count} s"),
    "age.minutes": _("{count} min"),
    "age.hours": _("{count} h"),
    "age.days": _("{count} d"),
    "hop.accept_to_claim": _("Acceptance to claim by the trade worker"),
    "hop.claim_to_call": _("Claim to SDK call"),
    "hop.call_to_answer": _("SDK call to the terminal's answer"),
    "hop.call_to_report": _("SDK call to the broker's report, stored"),
    "hop.accept_to_answer": _("Acceptance to answer, all together"),
    "hops.day": _("Orders of {date}"),
    "hops.none": _("No order has been sent on {date}."),
    "hops.no_date": _("No market date is known yet."),
    "hops.bar": _("Half of the orders within {p50} ms, 99 of 100 within {p99} ms"),
    "queue.orders": _("Orders: {status} ({host})"),
    **{f"queue_status.{status.value}": Status(status).label for status in WAITING},
    "queue.cancels": _("Cancels that were not sent ({host})"),
    "queue.lane.send": _("Calls to the terminal: orders ({host})"),
    "queue.lane.cancel": _("Calls to the terminal: cancels ({host})"),
    "queue.events": _("Broker events not stored yet ({host})"),
    "queue.repair": _("Repair of market data"),
    "queue.tasks": _("Tasks: {queue}"),
    "queue.no_redis": _("Redis does not answer: tasks cannot be counted. Orders are sent by the poll."),
    "host.SIMULATED": _("Simulated"),
    "host.LIVE": _("Broker's terminal"),
    "storage.free": _("{free} of {total} free"),
    "storage.away": _("does not answer"),
    "database.default": _("Main database"),
    "database.quotes": _("Market data"),
    "system.stale": _("The server has not answered since {time}. What is shown is from then."),
    "system.failed": _("The state could not be read: {reason}"),
    "system.updated": _("As of {time}"),
    "system.no_sdk": _("not on this machine"),
}


def system_messages() -> dict[str, str]:
    """The texts in the active language."""
    return {key: str(text) for key, text in SYSTEM_MESSAGES.items()}
