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


class AliasKind(models.TextChoices):
    """What an instrument was called before."""

    SYMBOL = "SYMBOL", _("symbol")
    NAME = "NAME", _("name")


class RepairStatus(models.TextChoices):
    """Life of one instrument's part in a repair job."""

    PENDING = "PENDING", _("Waiting")
    RUNNING = "RUNNING", _("Running")
    DONE = "DONE", _("Done")
    FAILED = "FAILED", _("Failed")
    CANCELLED = "CANCELLED", _("Cancelled")


class RepairTrouble(models.TextChoices):
    """Why a repair round did not complete an instrument; each kind is treated in its own way."""

    CONNECTION = "CONNECTION", _("The terminal was not there")
    THROTTLED = "THROTTLED", _("The terminal was asked too much")
    DOWNLOAD_FAILED = "DOWNLOAD_FAILED", _("The download failed")
    EMPTY = "EMPTY", _("The terminal gave no row at all")
    UNVERIFIED = "UNVERIFIED", _("What came could not be believed")
    INTERNAL = "INTERNAL", _("An error of the platform")


class ScheduleName(models.TextChoices):
    """Scheduled sync jobs; the values are the keys of the configuration's `schedules` section."""

    AFTER_CLOSE = "after_close", _("Repair after the close")
    SAMPLING = "sampling", _("Sampling check against the terminal")
    STATIC = "static", _("Static data")
    REPORT = "report", _("Status report")


OPEN_REPAIR_STATUSES = (RepairStatus.PENDING, RepairStatus.RUNNING)
