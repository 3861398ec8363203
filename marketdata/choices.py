"""Closed vocabularies of the market-data app."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Market(models.TextChoices):
    """Exchange suffix of a symbol."""

    SH = "SH", _("Shanghai")
    SZ = "SZ", _("Shenzhen")
    BJ = "BJ", _("Beijing")


class Board(models.TextChoices):
    """Rule set an instrument trades under (price limits, lots, order sizes)."""

    MAIN = "MAIN", _("Main board")
    CHINEXT = "CHINEXT", _("ChiNext")
    STAR = "STAR", _("STAR market")
    BSE = "BSE", _("Beijing exchange")
    ETF = "ETF", _("Fund")
    CONVERTIBLE = "CONVERTIBLE", _("Convertible bond")
    INDEX = "INDEX", _("Index")
    OTHER = "OTHER", _("Other")


class Kind(models.TextChoices):
    """What an instrument is, whatever its board."""

    STOCK = "STOCK", _("Stock")
    ETF = "ETF", _("Fund")
    CONVERTIBLE = "CONVERTIBLE", _("Convertible bond")
    INDEX = "INDEX", _("Index")


class Basis(models.TextChoices):
    """What a terminal's stored history is, and with it what may be derived from it."""

    RAW = "RAW", _("Raw prices")
    FRONT_ADJUSTED = "FRONT_ADJUSTED", _("Front-adjusted prices")


class EvidenceReason(models.TextChoices):
    """Why a hole in the bars is not a gap to be repaired."""

    SOURCE_EMPTY = "SOURCE_EMPTY", _("The source itself has no bar")
    SUSPENDED = "SUSPENDED", _("The terminal reports a suspension")
    SOURCE_DEPTH = "SOURCE_DEPTH", _("Older than the source's history")
    NO_TRADE = "NO_TRADE", _("No trade in the absent minutes")


class RepairStatus(models.TextChoices):
    """Life of one instrument's part in a repair job."""

    PENDING = "PENDING", _("Waiting")
    RUNNING = "RUNNING", _("Running")
    DONE = "DONE", _("Done")
    FAILED = "FAILED", _("Failed")
    CANCELLED = "CANCELLED", _("Cancelled")


OPEN_REPAIR_STATUSES = (RepairStatus.PENDING, RepairStatus.RUNNING)
