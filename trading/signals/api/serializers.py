"""Shapes of the signal API, for the schema; the writes are read strictly by the services."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trading.orders.choices import Side
from trading.signals.choices import SignalKind, SignalState


class ExitTermsSerializer(serializers.Serializer[Any]):
    """The numbers of a plan; what is left out stays as it is. Fractions are decimals as text."""

    stop_loss = serializers.BooleanField(required=False)
    stop_loss_drop = serializers.CharField(required=False)
    first_take_profit = serializers.BooleanField(required=False)
    first_gain = serializers.CharField(required=False)
    first_callback = serializers.CharField(required=False)
    first_share = serializers.CharField(required=False)
    trailing = serializers.BooleanField(required=False)
    trailing_steps = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(), min_length=2, max_length=2),
        required=False,
        help_text="Pairs of gain at the top and factor of the top, ascending.",
    )
    trailing_floor_drop = serializers.CharField(required=False)
    add = serializers.BooleanField(required=False)
    add_drop_from = serializers.CharField(required=False)
    add_drop_to = serializers.CharField(required=False)
    add_amount = serializers.CharField(required=False)
    add_position_limit = serializers.CharField(required=False)
    add_min_amount = serializers.CharField(required=False)
    add_cooldown_seconds = serializers.IntegerField(required=False)
    signal_seconds = serializers.IntegerField(required=False)
    repeat_seconds = serializers.IntegerField(required=False)
    max_drift = serializers.CharField(required=False)
    order_timeout_seconds = serializers.IntegerField(required=False)
    stop_loss_timeout_seconds = serializers.IntegerField(required=False)
    max_requotes = serializers.IntegerField(required=False)


class ExitPlanRequestSerializer(serializers.Serializer[Any]):
    """How positions are left from now on, in the caller's name."""

    account = serializers.IntegerField()
    strategy = serializers.CharField(required=False, help_text="For this strategy's positions.")
    symbol = serializers.CharField(required=False, help_text="For this instrument's position.")
    enabled = serializers.BooleanField()
    terms = ExitTermsSerializer(required=False)
    version = serializers.IntegerField(required=False, help_text="The version that was looked at; 0 for a new plan.")


class ExitPlanSerializer(serializers.Serializer[Any]):
    """One plan: the account's default, a strategy's, or one instrument's."""

    id = serializers.IntegerField()
    account = serializers.IntegerField()
    strategy = serializers.CharField()
    symbol = serializers.CharField()
    enabled = serializers.BooleanField()
    terms = ExitTermsSerializer()
    user = serializers.CharField(help_text="In whose name it trades.")
    by_token = serializers.BooleanField()
    version = serializers.IntegerField()
    changed_at = serializers.DateTimeField()


class ExitPlanListSerializer(serializers.Serializer[Any]):
    """Plans of the accounts the caller sees."""

    results = ExitPlanSerializer(many=True)


class ExitPlanVersionSerializer(serializers.Serializer[Any]):
    """One earlier state of a plan."""

    version = serializers.IntegerField()
    enabled = serializers.BooleanField()
    terms = ExitTermsSerializer()
    user = serializers.CharField()
    by_token = serializers.BooleanField()
    at = serializers.DateTimeField()


class ExitPlanVersionListSerializer(serializers.Serializer[Any]):
    """Every state of a plan, newest first."""

    results = ExitPlanVersionSerializer(many=True)


class TriggerLevelSerializer(serializers.Serializer[Any]):
    """One price at which something happens."""

    kind = serializers.ChoiceField(
        choices=[
            (name, name)
            for name in (
                "STOP_LOSS",
                "FIRST_ARM",
                "FIRST_TAKE_PROFIT",
                "FIRST_DISARM",
                "TRAILING",
                "ADD_FROM",
                "ADD_TO",
            )
        ]
    )
    price = serializers.CharField()
    state = serializers.ChoiceField(choices=[(name, name) for name in ("waiting", "armed", "later")])


class TriggersSerializer(serializers.Serializer[Any]):
    """What one position is left at."""

    symbol = serializers.CharField()
    plan = serializers.IntegerField()
    version = serializers.IntegerField()
    enabled = serializers.BooleanField()
    followed = serializers.BooleanField(help_text="The engine has taken it up; before, the broker's figures are shown.")
    paused = serializers.CharField(help_text="Why nothing is detected at present.")
    opened_on = serializers.DateField(allow_null=True)
    cost = serializers.CharField()
    hi = serializers.CharField()
    bh = serializers.CharField(allow_null=True)
    first_done = serializers.BooleanField()
    levels = TriggerLevelSerializer(many=True)


class TriggersListSerializer(serializers.Serializer[Any]):
    """Positions of an account that have a plan."""

    results = TriggersSerializer(many=True)


class SignalSerializer(serializers.Serializer[Any]):
    """One thing that was detected, and what became of it."""

    id = serializers.IntegerField()
    account = serializers.IntegerField()
    symbol = serializers.CharField()
    kind = serializers.ChoiceField(choices=SignalKind.choices)
    priority = serializers.IntegerField(help_text="Smaller is served first.")
    side = serializers.ChoiceField(choices=Side.choices)
    quantity = serializers.IntegerField()
    price = serializers.CharField(help_text="The price that was met.")
    facts = serializers.DictField()
    quote_ts = serializers.IntegerField(help_text="Market time of the quote, epoch ms.")
    trade_date = serializers.DateField()
    detected_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=SignalState.choices)
    code = serializers.CharField(help_text="Why nothing, or less, was traded.")
    message = serializers.CharField()
    attempts = serializers.IntegerField()
    traded_quantity = serializers.IntegerField()
    traded_amount = serializers.CharField()
    executed_at = serializers.DateTimeField(allow_null=True)
    final_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField()


class SignalPageSerializer(serializers.Serializer[Any]):
    """One page of signals, newest first."""

    results = SignalSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
