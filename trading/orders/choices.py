"""Closed vocabularies of orders, as stored in the database and shown by the API."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    """State of an order. DENIED is ours, REJECTED is the broker's."""

    PENDING_APPROVAL = "PENDING_APPROVAL", _("Pending approval")
    QUEUED = "QUEUED", _("Queued")
    SUBMITTING = "SUBMITTING", _("Submitting")
    SUBMITTED = "SUBMITTED", _("Submitted")
    REPORTED = "REPORTED", _("Reported")
    PARTIALLY_FILLED = "PARTIALLY_FILLED", _("Partially filled")
    PENDING_CANCEL = "PENDING_CANCEL", _("Pending cancel")
    FILLED = "FILLED", _("Filled")
    CANCELLED = "CANCELLED", _("Cancelled")
    PARTIALLY_CANCELLED = "PARTIALLY_CANCELLED", _("Partially cancelled")
    REJECTED = "REJECTED", _("Rejected")
    DENIED = "DENIED", _("Denied")
    EXPIRED = "EXPIRED", _("Expired")
    UNKNOWN = "UNKNOWN", _("Unknown")
    NOT_FOUND = "NOT_FOUND", _("Not found")
    DONE_FOR_DAY = "DONE_FOR_DAY", _("Done for day")


class Side(models.TextChoices):
    """Which way an order goes."""

    BUY = "BUY", _("Buy")
    SELL = "SELL", _("Sell")


class PriceType(models.TextChoices):
    """Where each is taken stands in `qmt.pricetypes`."""

    LIMIT = "LIMIT", _("Limit price")
    LATEST = "LATEST", _("Latest price")
    BEST5_CANCEL = "BEST5_CANCEL", _("Best five, rest cancelled")
    BEST5_LIMIT = "BEST5_LIMIT", _("Best five, rest as limit")
    PEER_BEST = "PEER_BEST", _("Best opposite price")
    OWN_BEST = "OWN_BEST", _("Best own-side price")
    IOC = "IOC", _("Trade at once, rest cancelled")
    FOK = "FOK", _("All at once or nothing")


class Source(models.TextChoices):
    """Where an order came from. EXECUTION: the child of a basket or another parent; EXTERNAL: placed in the
    terminal, adopted by reconciliation; FLATTEN: the sale of a kill switch, which no trading state holds back;
    SCHEDULE: a new issue that an account subscribes by itself; SIGNAL, GRID: placed by an exit plan or a grid."""

    PORTAL = "PORTAL", _("Portal")
    API = "API", _("API")
    RPC = "RPC", _("gRPC")
    STRATEGY = "STRATEGY", _("Strategy")
    SIGNAL = "SIGNAL", _("Signal")
    GRID = "GRID", _("Grid")
    EXECUTION = "EXECUTION", _("Execution")
    EXTERNAL = "EXTERNAL", _("External")
    FLATTEN = "FLATTEN", _("Kill switch")
    SCHEDULE = "SCHEDULE", _("Schedule")


class OrderEventKind(models.TextChoices):
    """What happened to an order, in the past tense."""

    ACCEPTED = "ACCEPTED", _("Accepted")
    HELD = "HELD", _("Held for approval")
    APPROVED = "APPROVED", _("Approved")
    REFUSED = "REFUSED", _("Approval refused")
    DENIED = "DENIED", _("Denied")
    CLAIMED = "CLAIMED", _("Claimed for sending")
    WITHHELD = "WITHHELD", _("Withheld at the last look")
    SENT = "SENT", _("Sent to the terminal")
    ANSWERED = "ANSWERED", _("Answered by the terminal")
    REJECTED = "REJECTED", _("Rejected by the broker")
    UPDATED = "UPDATED", _("Updated by the broker")
    FILLED = "FILLED", _("Fill booked")
    CANCEL_REQUESTED = "CANCEL_REQUESTED", _("Cancel requested")
    CANCEL_SENT = "CANCEL_SENT", _("Cancel sent")
    CANCEL_PASSED_ON = "CANCEL_PASSED_ON", _("Cancel passed on")
    CANCEL_REFUSED = "CANCEL_REFUSED", _("Cancel refused")
    CANCELLED = "CANCELLED", _("Cancelled before sending")
    EXPIRED = "EXPIRED", _("Expired before sending")
    LOST_SIGHT = "LOST_SIGHT", _("No answer: state unknown")
    NOT_FOUND = "NOT_FOUND", _("Proven absent at the broker")
    ADOPTED = "ADOPTED", _("Adopted from the terminal")
    DAY_CLOSED = "DAY_CLOSED", _("Trade date closed")
    RELEASED = "RELEASED", _("Reservation released")


class KillScope(models.TextChoices):
    """What a kill switch stops."""

    PLATFORM = "PLATFORM", _("The whole platform")
    ACCOUNT = "ACCOUNT", _("An account")
    PERSON = "PERSON", _("A person")


class KillPhase(models.TextChoices):
    """How far a kill switch has got on one account."""

    CANCELLING = "CANCELLING", _("Cancelling")
    FLATTENING = "FLATTENING", _("Selling")
    DONE = "DONE", _("Done")
    LIFTED = "LIFTED", _("Ended because the halt was lifted")


class ParkedState(models.TextChoices):
    """What became of a broker event that found no order when it came."""

    PARKED = "PARKED", _("Waiting for its order")
    APPLIED = "APPLIED", _("Applied")
    STALE = "STALE", _("Never matched")
