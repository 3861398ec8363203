"""Closed vocabularies of limits, as stored in the database and shown by the API."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class LimitKind(models.TextChoices):
    """What a limit bounds. `catalogue` says its unit, its parameters and the check that asks it."""

    SIDES = "SIDES", _("Allowed sides")
    TIME_WINDOW = "TIME_WINDOW", _("Allowed time of day")
    SYMBOL_ALLOW = "SYMBOL_ALLOW", _("Only these symbols")
    SYMBOL_DENY = "SYMBOL_DENY", _("Not these symbols")
    ST_DENY = "ST_DENY", _("No ST shares")
    NEW_LISTING_DENY = "NEW_LISTING_DENY", _("No new listings")
    ORDERS_PER_SECOND = "ORDERS_PER_SECOND", _("Orders and cancels in a second")
    ORDERS_PER_DAY = "ORDERS_PER_DAY", _("Orders and cancels in a day")
    CANCEL_RATIO = "CANCEL_RATIO", _("Cancel ratio of the day")
    ACTIVE_ORDERS = "ACTIVE_ORDERS", _("Working orders")
    DUPLICATE_ORDER = "DUPLICATE_ORDER", _("Same order again")
    SELF_TRADE = "SELF_TRADE", _("Trading with oneself")
    DAILY_LOSS = "DAILY_LOSS", _("Loss of the day")
    DRAWDOWN = "DRAWDOWN", _("Fall from the day's high")
    PRICE_COLLAR = "PRICE_COLLAR", _("Distance from the last price")
    ORDER_QUANTITY = "ORDER_QUANTITY", _("Shares in an order")
    ORDER_VALUE = "ORDER_VALUE", _("Value of an order")
    ST_DAY_QUANTITY = "ST_DAY_QUANTITY", _("ST shares bought in a day")
    POSITION_VALUE = "POSITION_VALUE", _("Value of a position")
    CONCENTRATION = "CONCENTRATION", _("Share of a position in the account")
    EXPOSURE = "EXPOSURE", _("Value of all positions")
    DAILY_TURNOVER = "DAILY_TURNOVER", _("Turnover of the day")


class LimitScope(models.TextChoices):
    """Whose orders a limit is about, and over what its usage is counted."""

    PLATFORM = "PLATFORM", _("Every account, each by itself")
    USER = "USER", _("A person, on all accounts together")
    ACCOUNT = "ACCOUNT", _("An account")
    USER_ACCOUNT = "USER_ACCOUNT", _("A person on an account")
    STRATEGY = "STRATEGY", _("A strategy, on all accounts together")


class HeldSource(models.TextChoices):
    """Where an order that an approval rule may hold comes from: `trading.orders.choices.Source` without what
    nobody can hold (an order found at the broker, a kill switch's sale)."""

    PORTAL = "PORTAL", _("Portal")
    API = "API", _("API")
    RPC = "RPC", _("gRPC")
    STRATEGY = "STRATEGY", _("Strategy")
    EXECUTION = "EXECUTION", _("Execution")


class Unit(models.TextChoices):
    """What a limit's value is measured in."""

    YUAN = "CNY", _("CNY")
    SHARES = "shares", _("shares")
    PERCENT = "%", _("percent")
    COUNT = "count", _("count")
    SECONDS = "s", _("seconds")
    DAYS = "days", _("trading days")
    NONE = "", _("no value")
