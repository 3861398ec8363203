"""Shapes of strategies on the API, for the document; `services.runs` reads and refuses the fields."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trading.orders.choices import PriceType, Side
from trading.strategies.choices import Level, Origin, RunState
from trading.strategies.interface import PERIODS, OrderState


class StrategyParameterSerializer(serializers.Serializer[Any]):
    """A declared parameter, with its bounds."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["integer", "number", "amount", "choice", "flag"])
    default = serializers.JSONField()
    help = serializers.CharField()
    minimum = serializers.JSONField(required=False)
    maximum = serializers.JSONField(required=False)
    options = serializers.ListField(child=serializers.CharField(), required=False)


class StrategySerializer(serializers.Serializer[Any]):
    """A strategy as it lies there now."""

    name = serializers.CharField()
    version = serializers.CharField(help_text="SHA-256 of its source.")
    origin = serializers.ChoiceField(choices=Origin.choices)
    title = serializers.CharField()
    text = serializers.CharField()
    parameters = StrategyParameterSerializer(many=True)
    periods = serializers.ListField(child=serializers.ChoiceField(choices=PERIODS))
    wants_ticks = serializers.BooleanField()
    problem = serializers.CharField(help_text="Why it cannot be run; blank when it can.")
    found_at = serializers.DateTimeField()


class StrategyListSerializer(serializers.Serializer[Any]):
    """Every strategy, by name."""

    results = StrategySerializer(many=True)


class StrategyRunRequestSerializer(serializers.Serializer[Any]):
    """A new run."""

    account = serializers.IntegerField()
    strategy = serializers.CharField(help_text="Name in the catalogue; its present version is run.")
    label = serializers.CharField(  # type: ignore[assignment]
        required=False, max_length=48, help_text="What its orders and profit are kept under; the strategy's name."
    )
    symbols = serializers.ListField(child=serializers.CharField(), help_text="1 to 200.")
    period = serializers.ChoiceField(choices=PERIODS)
    parameters = serializers.DictField(required=False, help_text="By name; defaults otherwise.")
    capital = serializers.CharField(help_text="CNY it may use.")
    opens_at = serializers.CharField(required=False, allow_null=True, help_text="HH:MM market time, with `closes_at`.")
    closes_at = serializers.CharField(required=False, allow_null=True)


class StrategyRunSerializer(serializers.Serializer[Any]):
    """One run as it stands."""

    id = serializers.IntegerField()
    account = serializers.IntegerField()
    strategy = serializers.CharField()
    version = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    created_by = serializers.CharField()
    symbols = serializers.ListField(child=serializers.CharField())
    period = serializers.CharField()
    parameters = serializers.DictField()
    capital = serializers.CharField()
    opens_at = serializers.CharField(allow_null=True)
    closes_at = serializers.CharField(allow_null=True)
    wanted = serializers.BooleanField(help_text="Whether people want it at work.")
    state = serializers.ChoiceField(choices=RunState.choices)
    code = serializers.CharField(help_text="Why it failed.")
    message = serializers.CharField()
    mode = serializers.CharField(help_text="Mode of the account when it was started.")
    events = serializers.IntegerField()
    orders = serializers.IntegerField(help_text="Orders it has asked for.")
    lines = serializers.IntegerField(help_text="Number of the newest line of its log.")
    bar_ts = serializers.IntegerField(allow_null=True, help_text="Stamp of the last bars it was handed, epoch ms.")
    bar_days = serializers.IntegerField(help_text="Trade dates with bars so far.")
    changed_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


class StrategyRunPageSerializer(serializers.Serializer[Any]):
    """One page of runs, newest first."""

    results = StrategyRunSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class StrategyHoldingSerializer(serializers.Serializer[Any]):
    """One virtual holding."""

    symbol = serializers.CharField()
    quantity = serializers.IntegerField()
    average_price = serializers.CharField()
    last_price = serializers.CharField(allow_null=True)
    value = serializers.CharField()


class StrategyFiguresSerializer(serializers.Serializer[Any]):
    """What a run holds and earned, in CNY, from the ledger's entries of its orders."""

    positions = StrategyHoldingSerializer(many=True)
    cash = serializers.CharField()
    realised = serializers.CharField()
    unrealised = serializers.CharField()
    dividends = serializers.CharField()
    fees = serializers.CharField()
    equity = serializers.CharField()


class StrategyRunDetailSerializer(StrategyRunSerializer):
    """One run with its figures."""

    figures = StrategyFiguresSerializer()


class StrategyRunOrderSerializer(serializers.Serializer[Any]):
    """One order that a run asked for."""

    number = serializers.IntegerField()
    id = serializers.CharField(help_text="As the strategy knows it.")
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=Side.choices)
    quantity = serializers.IntegerField()
    price_type = serializers.ChoiceField(choices=PriceType.choices)
    price = serializers.CharField(allow_null=True)
    reason = serializers.CharField(help_text="The rule that asked.")
    decided_ts = serializers.IntegerField(help_text="Market time, epoch ms.")
    state = serializers.ChoiceField(
        choices=[state.value for state in OrderState], help_text="As the strategy was told."
    )
    filled = serializers.IntegerField()
    average_price = serializers.CharField()
    code = serializers.CharField()
    order = serializers.UUIDField(allow_null=True, help_text="The order it became.")


class StrategyRunOrderPageSerializer(serializers.Serializer[Any]):
    """One page of a run's orders, newest first."""

    results = StrategyRunOrderSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class StrategyLineSerializer(serializers.Serializer[Any]):
    """One line of a run's log."""

    number = serializers.IntegerField()
    level = serializers.ChoiceField(choices=Level.choices)
    text = serializers.CharField()
    facts = serializers.DictField()
    market_ts = serializers.IntegerField(allow_null=True)
    at = serializers.DateTimeField()


class StrategyLineListSerializer(serializers.Serializer[Any]):
    """Lines of a run's log, oldest first."""

    results = StrategyLineSerializer(many=True)
