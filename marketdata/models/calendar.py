"""Which days trade, as the terminal told us."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from marketdata.choices import Market


class TradingDay(models.Model):
    """One trading day of one market. Presence of the row is the fact."""

    market = models.CharField(_("market"), max_length=4, choices=Market.choices)
    date = models.DateField(_("date"))

    class Meta:
        verbose_name = _("trading day")
        verbose_name_plural = _("trading days")
        ordering = ["market", "date"]
        constraints = [
            models.UniqueConstraint(fields=["market", "date"], name="marketdata_tradingday_once"),
        ]

    def __str__(self) -> str:
        return f"{self.market} {self.date:%Y-%m-%d}"


class Holiday(models.Model):
    """A weekday on which the exchanges stay closed."""

    date = models.DateField(_("date"), primary_key=True)

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering = ["date"]

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d}"
