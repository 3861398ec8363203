"""Texts that browser code shows, by key; they travel with each live page in the person's language.

Keys of the platform's vocabularies are built from the enums themselves, so that a new status or code without a
text is found by a test, not by a trader.
"""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from frontend.code_messages import CODE_MESSAGES
from frontend.oversight_messages import ALERT_KIND_MESSAGES
from trading.orders.choices import PriceType

MESSAGES: dict[str, str | Promise] = {
    "cancel": _("Cancel"),
    "cancel.order": _("Cancel the order of {symbol}"),
    "cancel.failed": _("The cancel was refused"),
    "chart.loading": _("Loading…"),
    "chart.downloading": _("Downloading what is missing from the terminal…"),
    "chart.empty": _("No bars in this period."),
    "chart.missing": _("Bars of {days} days are missing"),
    "chart.open": _("Opening"),
    "chart.high": _("High"),
    "chart.low": _("Low"),
    "chart.close": _("Closing"),
    "chart.change": _("Change %"),
    "chart.volume": _("Volume"),
    "chart.amount": _("Traded value"),
    "connection.up": _("Live"),
    "connection.back": _("Connected again"),
    "connection.back_since": _("What happened since {time} is being caught up."),
    "connection.down": _("Connection lost, reconnecting…"),
    "connection.stale": _("Prices are stale"),
    "count.positions": _("{count} instruments"),
    "count.positions_shown": _("{shown} of {count}"),
    "positions.sell": _("Sell {quantity} {name}…"),
    "orders.none": _("No orders today. The ticket places one."),
    "orders.none_fits": _("No order of the day is among these."),
    "orders.many": _("{count} orders ended"),
    "copy.done": _("{count} rows are on the clipboard"),
    "copy.refused": _("The browser does not let the page use the clipboard"),
    "positions.none": _("No positions. What you buy appears here."),
    "positions.none_fits": _("No position fits the filter."),
    "grant.withdrawn": _("Your access to this account was withdrawn"),
    "ladder.ask": _("Ask {level}"),
    "ladder.bid": _("Bid {level}"),
    "ladder.choose": _("Choose an instrument."),
    "ladder.none": _("No quote yet."),
    "ladder.unit": _("CNY, lots"),
    "panel.loading": _("Loading…"),
    "panel.old": _("As of {time}. Not newer: {reason}"),
    "panel.again": _("Try again"),
    "stale.since": _("Prices since {time} are missing"),
    "ticket.accepted": _("Order accepted"),
    "ticket.can_buy": _("can buy {quantity}"),
    "ticket.can_sell": _("can sell {quantity}"),
    "ticket.limit_down": _("Limit down {price}"),
    "ticket.limit_up": _("Limit up {price}"),
    "ticket.not_arrived": _("The order did not reach the server. Press again: it cannot be sent twice."),
    "ticket.unknown": _("No connection: whether the order arrived is not known. Press again: it cannot be sent twice."),
    "bars.asking": _("Asking…"),
    "bars.complete": _("Complete: {rows} rows are stored."),
    "bars.downloading": _("Not complete yet: a job downloads what is missing. Follow it below."),
    "job.progress": _("Progress"),
    # Order side, price type, source
    "side.BUY": _("Buy"),
    "side.SELL": _("Sell"),
    "price_type.LIMIT": _("Limit"),
    "price_type.LATEST": _("Latest price"),
    **{f"price_type.{one.value}": one.label for one in PriceType if one not in (PriceType.LIMIT, PriceType.LATEST)},
    "source.EXTERNAL": _("Terminal"),
    # Order status
    "status.PENDING_APPROVAL": _("Waiting for approval"),
    "status.QUEUED": _("Queued"),
    "status.SUBMITTING": _("Submitting"),
    "status.SUBMITTED": _("Submitted"),
    "status.REPORTED": _("Reported"),
    "status.PARTIALLY_FILLED": _("Partly filled"),
    "status.PENDING_CANCEL": _("Cancelling"),
    "status.FILLED": _("Filled"),
    "status.CANCELLED": _("Cancelled"),
    "status.PARTIALLY_CANCELLED": _("Partly filled, rest cancelled"),
    "status.REJECTED": _("Rejected by the broker"),
    "status.DENIED": _("Denied"),
    "status.EXPIRED": _("Expired, never sent"),
    "status.UNKNOWN": _("Unknown, being clarified"),
    "status.NOT_FOUND": _("Not found at the broker"),
    "status.DONE_FOR_DAY": _("Ended with the day"),
    # Account
    "mode.PAPER": _("Paper"),
    "mode.PAPER_FED": _("Paper · fed from {host}"),
    "mode.READ_ONLY": _("Read only"),
    "mode.LIVE": _("Live"),
    "state.ACTIVE": _("Active"),
    "state.REDUCING": _("Reducing only"),
    "state.HALTED": _("Halted"),
    "session.DOWN": _("Terminal down"),
    "session.CONNECTING": _("Connecting to the terminal"),
    "session.RECONCILING": _("Reconciling"),
    "session.READY": _("Ready"),
    "session.SICK": _("Session is being rebuilt"),
    # Market phase
    "phase.CLOSED": _("Closed"),
    "phase.OPEN_AUCTION": _("Opening auction"),
    "phase.OPEN_AUCTION_NO_CANCEL": _("Opening auction, no cancels"),
    "phase.PRE_OPEN": _("Before the open"),
    "phase.CONTINUOUS": _("Continuous trading"),
    "phase.LUNCH": _("Lunch break"),
    "phase.CLOSE_AUCTION": _("Closing auction"),
    "phase.AFTER_HOURS": _("After hours"),
    # Jobs
    "job.marketdata.repair": _("Bars repair"),
    "job.marketdata.after_close": _("Repair after the close"),
    "job.marketdata.sampling": _("Sampling check against the terminal"),
    "job.marketdata.report": _("Status report"),
    "job.audit.verify": _("Proof of the audit trail"),
    "job.stale": _("No connection since {time}: what is shown may be old. It is asked for again by itself."),
    "job.backtest": _("Back-test"),
    "job.backup": _("Backup"),
    "job.function": _("SDK function"),
    "job_status.PENDING": _("Waiting"),
    "job_status.RUNNING": _("Running"),
    "job_status.PAUSED": _("Paused"),
    "job_status.DONE": _("Done"),
    "job_status.FAILED": _("Failed"),
    "job_status.CANCELLED": _("Cancelled"),
    "job_status.PARTIAL": _("Partly done"),
    # Not an answer of the server
    "code.NETWORK": _("The server did not answer."),
}


def browser_messages() -> dict[str, str]:
    """Every text for browser code, in the active language."""
    codes = {f"code.{code}": text for code, text in CODE_MESSAGES.items()}
    return {key: str(text) for key, text in {**MESSAGES, **ALERT_KIND_MESSAGES, **codes}.items()}
