"""Limits and approval rules with their history, the states of the platform and of persons, and the day's counters."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.choices import TradingState
from accounts.models import BrokerAccount, User
from trading.ledger.fields import MoneyField
from trading.risk.choices import LimitKind, LimitScope
from trading.risk.querysets import ApprovalRuleQuerySet, RiskLimitQuerySet

_A, _U, _S = "account", "user", "strategy"


def _targets(scope: LimitScope, *present: str) -> Q:
    """The condition that a limit of `scope` names exactly these targets."""
    return Q(
        scope=scope,
        account__isnull=_A not in present,
        user__isnull=_U not in present,
    ) & (~Q(strategy="") if _S in present else Q(strategy=""))


class RiskLimit(models.Model):
    """One limit. It only ever narrows: the most restrictive of all that apply decides.

    Written by `trading.risk.services.limits` alone; every change is a new version with its history.
    """

    kind = models.CharField(_("kind"), max_length=20, choices=LimitKind.choices)
    scope = models.CharField(_("scope"), max_length=12, choices=LimitScope.choices)
    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    strategy = models.CharField(_("strategy"), max_length=64, blank=True, default="")
    value = models.DecimalField(_("value"), max_digits=20, decimal_places=4, null=True, blank=True)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_to = models.DateTimeField(_("valid until"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    version = models.PositiveIntegerField(_("version"), default=1)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))
    updated_by = models.CharField(_("changed by"), max_length=200)

    objects: ClassVar[RiskLimitQuerySet] = RiskLimitQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("risk limit")
        verbose_name_plural = _("risk limits")
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=(
                    _targets(LimitScope.PLATFORM)
                    | _targets(LimitScope.USER, _U)
                    | _targets(LimitScope.ACCOUNT, _A)
                    | _targets(LimitScope.USER_ACCOUNT, _U, _A)
                    | _targets(LimitScope.STRATEGY, _S)
                ),
                name="limit_names_what_its_scope_needs",
            ),
            models.CheckConstraint(condition=Q(value__isnull=True) | Q(value__gte=0), name="limit_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.scope} {self.value if self.value is not None else self.params}"


class RiskLimitChange(models.Model):
    """One version of a limit: what it was, what it became, by whom."""

    limit = models.ForeignKey(RiskLimit, on_delete=models.PROTECT, related_name="changes")
    version = models.PositiveIntegerField(_("version"))
    at = models.DateTimeField(_("at"))
    by = models.CharField(_("by"), max_length=200)
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"))

    class Meta:
        verbose_name = _("change of a limit")
        verbose_name_plural = _("changes of limits")
        ordering = ("limit_id", "version")
        constraints = (models.UniqueConstraint(fields=("limit", "version"), name="limit_change_once"),)

    def __str__(self) -> str:
        return f"{self.limit_id} v{self.version}"


class ApprovalRule(models.Model):
    """Which orders somebody else has to approve before they are queued. Every condition that is set has to hold.

    Written by `trading.risk.services.approval_rules` alone; every change is a new version with its history.
    """

    scope = models.CharField(_("scope"), max_length=12, choices=LimitScope.choices)
    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    strategy = models.CharField(_("strategy"), max_length=64, blank=True, default="")
    min_value = MoneyField(_("from a value of"), null=True, blank=True, help_text=_("Empty: any value."))
    symbols = models.JSONField(_("symbols"), default=list, blank=True, help_text=_("Empty: every symbol."))
    sides = models.JSONField(_("sides"), default=list, blank=True, help_text=_("Empty: both."))
    sources = models.JSONField(_("sources"), default=list, blank=True, help_text=_("Empty: every source."))
    expires_seconds = models.PositiveIntegerField(
        _("time to decide (s)"), null=True, blank=True, help_text=_("Empty: as DESK_APPROVAL_SECONDS says.")
    )
    max_drift_percent = models.DecimalField(
        _("most drift of the price (%)"), max_digits=7, decimal_places=4, null=True, blank=True
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    version = models.PositiveIntegerField(_("version"), default=1)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("changed"))
    updated_by = models.CharField(_("changed by"), max_length=200)

    objects: ClassVar[ApprovalRuleQuerySet] = ApprovalRuleQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("approval rule")
        verbose_name_plural = _("approval rules")
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=(
                    _targets(LimitScope.PLATFORM)
                    | _targets(LimitScope.USER, _U)
                    | _targets(LimitScope.ACCOUNT, _A)
                    | _targets(LimitScope.USER_ACCOUNT, _U, _A)
                    | _targets(LimitScope.STRATEGY, _S)
                ),
                name="approval_rule_names_what_its_scope_needs",
            ),
            models.CheckConstraint(
                condition=Q(min_value__isnull=True) | Q(min_value__gte=0), name="approval_rule_value_not_negative"
            ),
        )

    def __str__(self) -> str:
        return f"{self.scope} {self.min_value if self.min_value is not None else self.symbols}"


class ApprovalRuleChange(models.Model):
    """One version of an approval rule: what it was, what it became, by whom."""

    rule = models.ForeignKey(ApprovalRule, on_delete=models.PROTECT, related_name="changes")
    version = models.PositiveIntegerField(_("version"))
    at = models.DateTimeField(_("at"))
    by = models.CharField(_("by"), max_length=200)
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"))

    class Meta:
        verbose_name = _("change of an approval rule")
        verbose_name_plural = _("changes of approval rules")
        ordering = ("rule_id", "version")
        constraints = (models.UniqueConstraint(fields=("rule", "version"), name="approval_rule_change_once"),)

    def __str__(self) -> str:
        return f"{self.rule_id} v{self.version}"


class Control(models.Model):
    """The one row that every check reads: the platform's trading state, and which limits are in force."""

    ONLY: ClassVar[int] = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    state = models.CharField(
        _("trading state"), max_length=10, choices=TradingState.choices, default=TradingState.ACTIVE
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    changed_at = models.DateTimeField(_("changed"), null=True, blank=True)
    changed_by = models.CharField(_("changed by"), max_length=200, blank=True, default="")
    limits_version = models.CharField(
        max_length=32,
        blank=True,
        default="",
        help_text=_("Another word after each change of a limit or an approval rule."),
    )

    class Meta:
        verbose_name = _("platform control")
        verbose_name_plural = _("platform control")
        constraints = (models.CheckConstraint(condition=Q(id=1), name="one_platform_control"),)

    def __str__(self) -> str:
        return self.state


class PersonTrading(models.Model):
    """The trading state of one person, over all accounts. No row: ACTIVE."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, primary_key=True, related_name="+")
    state = models.CharField(_("trading state"), max_length=10, choices=TradingState.choices)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    changed_at = models.DateTimeField(_("changed"))
    changed_by = models.CharField(_("changed by"), max_length=200)

    class Meta:
        verbose_name = _("trading state of a person")
        verbose_name_plural = _("trading states of persons")

    def __str__(self) -> str:
        return f"{self.user_id} {self.state}"


class Tally(models.Model):
    """What one subject did on one trade date: the counters behind rates, ratios and turnover.

    Subjects: ``a:<account>``, ``u:<user>``, ``ua:<user>:<account>``, ``s:<strategy>``, and ``o:<owner>``,
    which counts nothing and is only held, so that two accounts of one owner are checked one
    after the other. Written inside the account's journal by `trading.risk.tallies`.
    """

    key = models.CharField(max_length=84, primary_key=True)
    subject = models.CharField(_("subject"), max_length=72)
    trade_date = models.DateField(_("trade date"))
    orders = models.PositiveIntegerField(_("orders"), default=0)
    cancels = models.PositiveIntegerField(_("cancels"), default=0)
    turnover = MoneyField(_("traded amount"))
    recent = models.JSONField(
        _("last second"), default=list, help_text=_("Moments (epoch ms) of the orders and cancels of the last second.")
    )
    most_per_second = models.PositiveIntegerField(_("most in one second"), default=0)
    opening_equity = MoneyField(
        _("equity at the day's start"), null=True, blank=True, help_text=_("With the transfers booked since.")
    )
    peak_equity = MoneyField(_("highest equity of the day"), null=True, blank=True)
    transferred = MoneyField(_("transfers of the day"), help_text=_("Booked, and counted into the day's start."))

    class Meta:
        verbose_name = _("day's counters")
        verbose_name_plural = _("day's counters")
        ordering = ("-trade_date", "subject")
        indexes = (models.Index(fields=("subject", "-trade_date"), name="tally_of_subject"),)

    def __str__(self) -> str:
        return self.key
