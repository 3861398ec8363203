"""Where our books and the broker's figures disagree."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount, User
from trading.ledger.choices import DifferenceKind, DifferenceState
from trading.ledger.models.entries import LedgerEntry
from trading.ledger.querysets import AccountScopedQuerySet


class Difference(models.Model):
    """One disagreement that several rounds of questions confirmed, with both values.

    OPEN until it is gone by itself (EXPLAINED) or a person settles it with an entry (RESOLVED).
    """

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="differences")
    kind = models.CharField(_("kind"), max_length=8, choices=DifferenceKind.choices)
    key = models.CharField(_("subject"), max_length=80, help_text=_("Symbol, order or trade number."))
    ours = models.CharField(_("here"), max_length=40)
    theirs = models.CharField(_("at the broker"), max_length=40)
    trade_date = models.DateField(_("trade date"))
    state = models.CharField(_("state"), max_length=9, choices=DifferenceState.choices, default=DifferenceState.OPEN)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    note = models.CharField(_("note"), max_length=400, blank=True)

    objects: ClassVar[AccountScopedQuerySet[Difference]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("account", "kind", "key"), condition=Q(state=DifferenceState.OPEN), name="difference_open_once"
            ),
        )
        indexes = (models.Index(fields=("account", "state", "-id"), name="difference_of_account"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind} {self.key}: {self.ours} / {self.theirs}"
