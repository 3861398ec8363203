"""Closed vocabularies of the ledger."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class EventKind(models.TextChoices):
    """What an account event carries; the same words travel over the live socket."""

    ORDER = "order", _("Order")
    TRADE = "trade", _("Trade")
    ASSET = "asset", _("Asset")
    POSITION = "position", _("Position")
    ACCOUNT = "account", _("Account")
    EXECUTION = "execution", _("Execution")
    GRID = "grid", _("Grid")
    TRANSFER = "transfer", _("Transfer of money")


class TradeDateState(models.TextChoices):
    """MISSED: it ended unseen and holdings or money differ; new orders are denied until a person settles it."""

    OPEN = "OPEN", _("Open")
    MISSED = "MISSED", _("Ended unseen")
    CLOSED = "CLOSED", _("Closed")


class EntryKind(models.TextChoices):
    """What a ledger entry records. TRADE and the fees are made from fills, the rest says what happened around them."""

    OPENING = "OPENING", _("Opening balance")
    TRADE = "TRADE", _("Trade")
    COMMISSION = "COMMISSION", _("Commission")
    STAMP_DUTY = "STAMP_DUTY", _("Stamp duty")
    TRANSFER_FEE = "TRANSFER_FEE", _("Transfer fee")
    FEE_TRUE_UP = "FEE_TRUE_UP", _("Fees: the broker's figure against our estimate")
    TRANSFER_IN = "TRANSFER_IN", _("Money paid in")
    TRANSFER_OUT = "TRANSFER_OUT", _("Money paid out")
    DIVIDEND = "DIVIDEND", _("Cash dividend")
    TAX = "TAX", _("Dividend tax")
    BONUS = "BONUS", _("Bonus shares")
    GIFT = "GIFT", _("Shares from reserves")
    ALLOTMENT = "ALLOTMENT", _("Allotment")
    INTEREST = "INTEREST", _("Interest")
    ADJUSTMENT = "ADJUSTMENT", _("Adjustment")


#: Made from fills; the account's own estimate of what the broker charges.
FEES = frozenset({EntryKind.COMMISSION, EntryKind.STAMP_DUTY, EntryKind.TRANSFER_FEE})
#: What moved between the account and the world outside.
TRANSFERS = frozenset({EntryKind.TRANSFER_IN, EntryKind.TRANSFER_OUT})
#: Value that came from outside or went there: no profit and no loss.
EXTERNAL = TRANSFERS | {EntryKind.OPENING, EntryKind.ADJUSTMENT}
#: What a person may enter.
BY_HAND = frozenset(
    {
        EntryKind.TRANSFER_IN,
        EntryKind.TRANSFER_OUT,
        EntryKind.DIVIDEND,
        EntryKind.TAX,
        EntryKind.BONUS,
        EntryKind.GIFT,
        EntryKind.ALLOTMENT,
        EntryKind.INTEREST,
        EntryKind.ADJUSTMENT,
    }
)


class DifferenceKind(models.TextChoices):
    """What disagrees."""

    POSITION = "POSITION", _("Position")
    CASH = "CASH", _("Cash")
    ORDER = "ORDER", _("Order")
    FILL = "FILL", _("Fill")


class DifferenceState(models.TextChoices):
    """OPEN restrains; EXPLAINED: gone by itself; RESOLVED: settled by a person's entry."""

    OPEN = "OPEN", _("Open")
    EXPLAINED = "EXPLAINED", _("Explained")
    RESOLVED = "RESOLVED", _("Resolved by hand")


class IssueKind(models.TextChoices):
    """What a new issue is of, as the terminal says."""

    STOCK = "STOCK", _("Shares")
    BOND = "BOND", _("Convertible bonds")
    OTHER = "OTHER", _("Something else")
