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
    INTEGRITY = "integrity", _("Integrity check")
    FINANCIALS = "financials", _("Financial tables")


OPEN_REPAIR_STATUSES = (RepairStatus.PENDING, RepairStatus.RUNNING)


class IntegrityCheck(models.TextChoices):
    """What the integrity checker looks for in stored bars."""

    SEGMENT_CORRUPT = "SEGMENT_CORRUPT", _("A stored stretch cannot be read")
    HEADER_DIFFERS = "HEADER_DIFFERS", _("A stored stretch is not what its header says")
    DUPLICATE = "DUPLICATE", _("Two bars of one time")
    NON_TRADING_DAY = "NON_TRADING_DAY", _("A bar on a day without trading")
    OFF_SESSION = "OFF_SESSION", _("A bar outside of the session")
    PRICE_NOT_POSITIVE = "PRICE_NOT_POSITIVE", _("A price that is not positive")
    OPEN_MISSING = "OPEN_MISSING", _("An opening price of zero")
    NEGATIVE_VOLUME = "NEGATIVE_VOLUME", _("A negative volume or amount")
    OHLC_ORDER = "OHLC_ORDER", _("Open or close outside of low and high")
    BEYOND_LIMITS = "BEYOND_LIMITS", _("A price beyond the day's limits without an ex-date")
    FACTOR_MISSING = "FACTOR_MISSING", _("An ex-date without a factor")
    FACTOR_DIFFERS = "FACTOR_DIFFERS", _("A factor that the prices contradict")
    OFF_TICK = "OFF_TICK", _("A price off the tick")
    AMOUNT_OUTSIDE_PRICES = "AMOUNT_OUTSIDE_PRICES", _("An average price outside of low and high")
    DAY_INCOMPLETE = "DAY_INCOMPLETE", _("A day with fewer minutes than it has")
    DAY_DIFFERS = "DAY_DIFFERS", _("Minutes that do not add up to their day")


class FindingSeverity(models.TextChoices):
    """How much a finding matters."""

    INFO = "INFO", _("Note")
    WARNING = "WARNING", _("Warning")
    SEVERE = "SEVERE", _("Severe")


class FindingState(models.TextChoices):
    """What became of a finding."""

    OPEN = "OPEN", _("Open")
    REPAIRED = "REPAIRED", _("Repaired")
    ACKNOWLEDGED = "ACKNOWLEDGED", _("Acknowledged")


class ImportState(models.TextChoices):
    """Life of an uploaded file of bars."""

    PREVIEWED = "PREVIEWED", _("Checked")
    CONFIRMED = "CONFIRMED", _("Being stored")
    DONE = "DONE", _("Stored")
    FAILED = "FAILED", _("Failed")
