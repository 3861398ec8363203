"""Instruments and their facts: trading rules, day limits, factors, sectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketdata.choices import Board, Kind, Market
from marketdata.models.dated import Dated

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class InstrumentQuerySet(models.QuerySet["Instrument"]):
    """Reads of instruments that several callers share."""

    def visible_to(self, user: User | AnonymousUser) -> InstrumentQuerySet:
        """Market data is open to everyone who is logged in, to nobody else."""
        return self if user.is_authenticated else self.none()

    def search(self, text: str) -> InstrumentQuerySet:
        """Match the start of a code or of pinyin initials, or any part of a name.

        Parameters
        ----------
        text
            What a person typed: ``6005``, ``600519.SH``, ``gzmt``, ``茅台``.
        """
        needle = text.strip()
        if not needle:
            return self
        return self.filter(
            Q(symbol__istartswith=needle) | Q(pinyin__startswith=needle.lower()) | Q(name__icontains=needle)
        )

    def with_symbols(self, symbols: Iterable[str]) -> InstrumentQuerySet:
        return self.filter(symbol__in=list(symbols))


class Instrument(models.Model):
    """One listed instrument (证券). Its integer key is permanent: bars refer to it.

    Quantities are shares (or bonds, or fund units), prices CNY.
    """

    symbol = models.CharField(_("symbol"), max_length=16, unique=True)
    name = models.CharField(_("name"), max_length=64)
    pinyin = models.CharField(_("pinyin initials"), max_length=32, blank=True, default="", db_index=True)
    market = models.CharField(_("market"), max_length=4, choices=Market.choices)
    board = models.CharField(_("board"), max_length=12, choices=Board.choices)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    lot_size = models.PositiveIntegerField(_("lot size"), help_text=_("A buy order is at least this many shares."))
    min_quantity = models.PositiveIntegerField(_("smallest buy order"))
    quantity_step = models.PositiveIntegerField(
        _("quantity step"), help_text=_("A buy order above the smallest grows in these steps.")
    )
    tick = models.DecimalField(_("price tick"), max_digits=8, decimal_places=4)
    volume_unit = models.PositiveIntegerField(
        _("shares per bar lot"), help_text=_("The terminal's bar volume counts lots of this size.")
    )
    list_date = models.DateField(_("listed on"), null=True, blank=True)
    delist_date = models.DateField(_("last trading day"), null=True, blank=True)
    t_plus = models.PositiveSmallIntegerField(
        _("days until sellable"), default=1, help_text=_("1 for shares (T+1), 0 for T+0 products.")
    )
    is_st = models.BooleanField(_("special treatment (ST)"), default=False)
    max_limit_quantity = models.PositiveIntegerField(_("largest limit order"))
    max_market_quantity = models.PositiveIntegerField(_("largest market order"))
    tradable = models.BooleanField(_("tradable"), default=True)
    updated_at = models.DateTimeField(_("updated at"))

    objects = InstrumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("instrument")
        verbose_name_plural = _("instruments")
        ordering = ["symbol"]

    def __str__(self) -> str:
        return f"{self.symbol} {self.name}"


class InstrumentDay(models.Model):
    """Facts of one trade date that a pre-trade check relies on.

    One row per instrument: the latest. A check compares `trade_date` with the market clock; a row of
    another date is stale and decides nothing.
    """

    instrument = models.OneToOneField(Instrument, on_delete=models.CASCADE, primary_key=True, related_name="day")
    trade_date = models.DateField(_("trade date"), db_index=True)
    pre_close = models.DecimalField(_("previous close"), max_digits=14, decimal_places=4)
    limit_up = models.DecimalField(_("limit up"), max_digits=14, decimal_places=4, null=True, blank=True)
    limit_down = models.DecimalField(_("limit down"), max_digits=14, decimal_places=4, null=True, blank=True)
    suspended = models.BooleanField(_("suspended"), default=False)
    source = models.CharField(
        _("source of the limits"),
        max_length=12,
        default="terminal",
        help_text=_("terminal, or rules when the terminal gave no limits."),
    )
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        verbose_name = _("day facts")
        verbose_name_plural = _("day facts")

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.trade_date:%Y-%m-%d}"


class DividendFactor(models.Model):
    """One ex-date of one instrument (除权除息), per share held before it.

    The fields carry the terminal's names in snake case; `dr` is the price factor of the event,
    previous close divided by the ex-rights reference price.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="factors")
    date = models.DateField(_("ex-date"))
    interest = models.FloatField(_("cash"), default=0.0)
    stock_bonus = models.FloatField(_("bonus shares"), default=0.0)
    stock_gift = models.FloatField(_("shares from reserves"), default=0.0)
    allot_num = models.FloatField(_("allotted shares"), default=0.0)
    allot_price = models.FloatField(_("allotment price"), default=0.0)
    gugai = models.FloatField(_("share reform"), default=0.0)
    dr = models.FloatField(_("price factor"), default=1.0)

    class Meta:
        verbose_name = _("dividend factor")
        verbose_name_plural = _("dividend factors")
        ordering = ["instrument", "date"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "date"], name="marketdata_dividendfactor_once"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.date:%Y-%m-%d} dr={self.dr}"


class Sector(models.Model):
    """A named group of instruments (板块). One that the terminal no longer lists stays, with the date."""

    name = models.CharField(_("name"), max_length=64, unique=True)
    known_since = models.DateField(
        _("members known since"), help_text=_("Before this day nobody knows who was a member.")
    )
    retired_on = models.DateField(
        _("retired on"),
        null=True,
        blank=True,
        help_text=_("First trade date on which the terminal no longer lists it."),
    )
    updated_at = models.DateTimeField(_("updated at"))
    members = models.ManyToManyField(
        Instrument, through="SectorMember", related_name="sectors", verbose_name=_("members")
    )

    class Meta:
        verbose_name = _("sector")
        verbose_name_plural = _("sectors")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SectorMember(Dated):
    """Membership of one instrument in one sector over a stretch of days, so that those who left stay visible."""

    sector = models.ForeignKey(Sector, on_delete=models.CASCADE, related_name="memberships")
    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE)

    class Meta:
        verbose_name = _("sector member")
        verbose_name_plural = _("sector members")
        constraints = [
            models.UniqueConstraint(fields=["sector", "instrument", "valid_from"], name="marketdata_sectormember_once"),
            models.UniqueConstraint(
                fields=["sector", "instrument"],
                condition=Q(valid_to__isnull=True),
                name="marketdata_sectormember_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sector_id}: {self.instrument_id}"
