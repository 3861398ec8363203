"""Shapes of back-tests for the API's document; the selectors render."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trading.backtest.choices import BacktestState
from trading.orders.choices import PriceType, Side
from trading.strategies.interface import OrderState


class SettingsSerializer(serializers.Serializer[Any]):
    """How orders are filled and what they cost; see the page on back-tests."""

    account_cash = serializers.CharField(
        required=False, allow_null=True, help_text="Money of the account behind the capital, CNY; null: the capital."
    )
    commission_rate = serializers.CharField(required=False, help_text="Such as `0.00025`.")
    minimum_commission = serializers.CharField(required=False, help_text="CNY an order.")
    participation = serializers.CharField(required=False, help_text="Most of a bar's volume, such as `0.1`.")
    slippage_bp = serializers.IntegerField(required=False, help_text="Ten-thousandths of the price.")
    touch_fills = serializers.BooleanField(required=False, help_text="A limit that is only touched is filled.")
    risk_free = serializers.CharField(required=False, help_text="Rate of a year for ratios.")
    accept_gaps = serializers.BooleanField(required=False, help_text="Run although bars are missing.")


class BacktestRequestSerializer(serializers.Serializer[Any]):
    """A back-test to run."""

    strategy = serializers.CharField()
    name = serializers.CharField(required=False, max_length=80)
    symbols = serializers.ListField(child=serializers.CharField())
    period = serializers.ChoiceField(("1d", "5m", "1m"))
    start = serializers.DateField()
    end = serializers.DateField(help_text="A closed day.")
    capital = serializers.CharField(help_text="CNY.")
    parameters = serializers.DictField(required=False)
    benchmark = serializers.CharField(required=False, help_text="A symbol to compare with, such as 000300.SH.")
    settings = SettingsSerializer(required=False)


class BacktestLineSerializer(serializers.Serializer[Any]):
    """One back-test in a list."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    owner = serializers.CharField()
    strategy = serializers.CharField()
    version = serializers.CharField(help_text="SHA-256 of the strategy's source.")
    symbols = serializers.ListField(child=serializers.CharField())
    period = serializers.CharField()
    start = serializers.DateField()
    end = serializers.DateField()
    capital = serializers.CharField()
    state = serializers.ChoiceField(choices=BacktestState.choices)
    code = serializers.CharField(help_text="Why it failed.")
    job = serializers.UUIDField(allow_null=True)
    total_return = serializers.FloatField(allow_null=True)
    max_drawdown = serializers.FloatField(allow_null=True)
    sharpe_ratio = serializers.FloatField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class BacktestSerializer(BacktestLineSerializer):
    """One back-test with its report."""

    parameters = serializers.DictField()
    benchmark = serializers.CharField()
    settings = SettingsSerializer()
    message = serializers.CharField(help_text="Of a failed one: words, or the strategy's trace.")
    data_digest = serializers.CharField(help_text="SHA-256 of the bars, days, ex-dates and facts.")
    code_version = serializers.CharField()
    origin = serializers.DictField(help_text="Where the bars are from, their basis, how many, what is missing.")
    seconds = serializers.FloatField(allow_null=True)
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    figures = serializers.DictField()
    rules = serializers.ListField(child=serializers.DictField())
    started_at = serializers.DateTimeField(allow_null=True)


class _Page(serializers.Serializer[Any]):
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class BacktestPageSerializer(_Page):
    """One page, newest first."""

    results = BacktestLineSerializer(many=True)


class BacktestDaySerializer(serializers.Serializer[Any]):
    """The run at the close of one trade date; CNY."""

    day = serializers.DateField()
    cash = serializers.CharField()
    holdings = serializers.CharField()
    equity = serializers.CharField()
    bought = serializers.CharField()
    sold = serializers.CharField()
    fees = serializers.CharField()
    drawdown = serializers.FloatField()
    compared = serializers.FloatField(allow_null=True)


class BacktestDayPageSerializer(_Page):
    """One page, oldest first."""

    results = BacktestDaySerializer(many=True)


class BacktestOrderSerializer(serializers.Serializer[Any]):
    """One request of the strategy; stamps are market time in epoch ms."""

    number = serializers.IntegerField()
    id = serializers.CharField()
    asked_ts = serializers.IntegerField()
    ended_ts = serializers.IntegerField(allow_null=True)
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=Side.choices)
    quantity = serializers.IntegerField()
    price_type = serializers.ChoiceField(choices=PriceType.choices)
    price = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in OrderState])
    filled = serializers.IntegerField()
    average_price = serializers.CharField()
    code = serializers.CharField()


class BacktestOrderPageSerializer(_Page):
    """One page, in the order they were asked for."""

    results = BacktestOrderSerializer(many=True)


class BacktestTradeSerializer(serializers.Serializer[Any]):
    """One fill."""

    number = serializers.IntegerField()
    order = serializers.IntegerField()
    ts = serializers.IntegerField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=Side.choices)
    quantity = serializers.IntegerField()
    price = serializers.CharField()
    fees = serializers.CharField()
    reason = serializers.CharField()


class BacktestTradePageSerializer(_Page):
    """One page, oldest first."""

    results = BacktestTradeSerializer(many=True)


class BacktestTripSerializer(serializers.Serializer[Any]):
    """One round trip, or what is still held (`closed_ts` null)."""

    number = serializers.IntegerField()
    symbol = serializers.CharField()
    quantity = serializers.IntegerField()
    opened_ts = serializers.IntegerField()
    closed_ts = serializers.IntegerField(allow_null=True)
    cost = serializers.CharField()
    proceeds = serializers.CharField()
    income = serializers.CharField()
    profit = serializers.CharField()
    entry_reason = serializers.CharField()
    exit_reason = serializers.CharField()


class BacktestTripPageSerializer(_Page):
    """One page, in the order of their ends."""

    results = BacktestTripSerializer(many=True)


class LogLineSerializer(serializers.Serializer[Any]):
    """A line of the strategy's own."""

    ts = serializers.IntegerField()
    text = serializers.CharField()
    facts = serializers.DictField()


class LogLineListSerializer(serializers.Serializer[Any]):
    """The strategy's log, at most 2,000 lines."""

    results = LogLineSerializer(many=True)
