"""Shapes of executions on the API. Requests are described for the document only: `wishes` reads and refuses the fields."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trading.execution.choices import Kind, State
from trading.orders.choices import PriceType, Side, Status


class LegRequestSerializer(serializers.Serializer[Any]):
    """One leg. A basket's has side and quantity; a target's has one of quantity, value, weight."""

    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=Side.choices, required=False)
    quantity = serializers.IntegerField(required=False, help_text="Shares to trade; of a target: shares to hold.")
    value = serializers.CharField(required=False, help_text="TARGET: CNY to hold.")
    weight = serializers.CharField(required=False, help_text="TARGET: part of the account's total asset, 0 to 1.")
    price_type = serializers.ChoiceField(choices=PriceType.choices, required=False)
    price = serializers.CharField(required=False, allow_null=True)


class ExecutionRequestSerializer(serializers.Serializer[Any]):
    """A wish for a basket, targets, a split or a TWAP."""

    account = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Kind.choices, help_text="All but REPLACE, which is asked for at its order.")
    client_execution_id = serializers.CharField(
        required=False, allow_null=True, max_length=64, help_text="Names this execution of the account for ever."
    )
    strategy = serializers.CharField(required=False, allow_null=True, max_length=64)
    legs = LegRequestSerializer(many=True, required=False, help_text="BASKET and TARGET: 1 to 200.")
    symbol = serializers.CharField(required=False, help_text="SPLIT and TWAP, as the five that follow.")
    side = serializers.ChoiceField(choices=Side.choices, required=False)
    quantity = serializers.IntegerField(required=False)
    price_type = serializers.ChoiceField(choices=PriceType.choices, required=False)
    price = serializers.CharField(required=False, allow_null=True)
    child_quantity = serializers.IntegerField(required=False, help_text="SPLIT: the largest single order.")
    slices = serializers.IntegerField(required=False, help_text="TWAP: 1 to 240.")
    starts_at = serializers.CharField(required=False, help_text="TWAP: HH:MM of the market; now by default.")
    ends_at = serializers.CharField(required=False, help_text="TWAP: HH:MM of the market.")


class LegVerdictSerializer(serializers.Serializer[Any]):
    """One leg and what would become of it."""

    leg = serializers.IntegerField(help_text="Its number in the request, from 1.")
    symbol = serializers.CharField()
    name = serializers.CharField()
    side = serializers.ChoiceField(choices=Side.choices, allow_null=True)
    quantity = serializers.IntegerField(help_text="Shares that would be traded; 0: the target is reached.")
    price_type = serializers.ChoiceField(choices=PriceType.choices)
    price = serializers.CharField(allow_null=True)
    verdict = serializers.ChoiceField(choices=["PASSED", "DENIED", "NOTHING"])
    code = serializers.CharField()
    facts = serializers.DictField()
    note = serializers.DictField(help_text="TARGET: target, held, short.")
    cost = serializers.DictField(allow_null=True, help_text="Amount, fees by item, total; null without a price.")


class DueChildSerializer(serializers.Serializer[Any]):
    """One child to come, if those before are filled whole."""

    number = serializers.IntegerField()
    quantity = serializers.IntegerField()
    at = serializers.DateTimeField(allow_null=True, help_text="Market time; null: when the one before has ended.")


class ExecutionCheckSerializer(serializers.Serializer[Any]):
    """What would become of the execution."""

    account = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    trade_date = serializers.DateField()
    accepted = serializers.BooleanField()
    code = serializers.CharField(help_text="`NOTHING_TO_TRADE`: every target is reached.")
    approval = serializers.DictField(allow_null=True, help_text="The rules that would make it wait; null: none.")
    legs = LegVerdictSerializer(many=True, help_text="In the order in which they are judged: sales first.")
    cost = serializers.DictField(
        allow_null=True, help_text="bought, sold, commission, stamp_duty, transfer_fee, fees, net."
    )
    children = DueChildSerializer(many=True, help_text="SPLIT and TWAP.")


class ReplaceRequestSerializer(serializers.Serializer[Any]):
    """New terms; what is left out stays as it is."""

    quantity = serializers.IntegerField(required=False, help_text="In all, what the old order traded included.")
    price_type = serializers.ChoiceField(choices=PriceType.choices, required=False)
    price = serializers.CharField(required=False, allow_null=True)
    client_execution_id = serializers.CharField(required=False, allow_null=True, max_length=64)


class LegSerializer(serializers.Serializer[Any]):
    """One leg with what it has come to."""

    number = serializers.IntegerField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=Side.choices)
    quantity = serializers.IntegerField()
    price_type = serializers.ChoiceField(choices=PriceType.choices)
    price = serializers.CharField(allow_null=True)
    traded_quantity = serializers.IntegerField()
    traded_amount = serializers.CharField()
    ended = serializers.BooleanField()
    code = serializers.CharField(help_text="Why it ended with less.")
    note = serializers.DictField(help_text="TARGET: target, held, short.")


class ExecutionSerializer(serializers.Serializer[Any]):
    """One execution as it stands."""

    id = serializers.UUIDField()
    account = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    state = serializers.ChoiceField(choices=State.choices)
    ending = serializers.CharField(help_text="What it ends as while it is STOPPING.")
    code = serializers.CharField(help_text="Why it paused, stopped or ended.")
    client_execution_id = serializers.CharField(allow_null=True)
    strategy = serializers.CharField()
    created_by = serializers.CharField()
    version = serializers.IntegerField()
    trade_date = serializers.DateField()
    quantity = serializers.IntegerField()
    traded_quantity = serializers.IntegerField()
    child_quantity = serializers.IntegerField(allow_null=True)
    slices = serializers.IntegerField(allow_null=True)
    starts_at = serializers.DateTimeField(allow_null=True, help_text="Market time.")
    ends_at = serializers.DateTimeField(allow_null=True, help_text="Market time.")
    replaces = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    final_at = serializers.DateTimeField(allow_null=True)
    legs = LegSerializer(many=True)


class ChildSerializer(serializers.Serializer[Any]):
    """One order of a leg, decided on and mostly placed."""

    leg = serializers.IntegerField()
    number = serializers.IntegerField()
    quantity = serializers.IntegerField()
    order = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(choices=Status.choices, allow_null=True)
    traded_quantity = serializers.IntegerField()
    code = serializers.CharField()
    void = serializers.BooleanField(help_text="Given up before it was placed.")
    created_at = serializers.DateTimeField()


class ExecutionDetailSerializer(ExecutionSerializer):
    """One execution with its children."""

    children = ChildSerializer(many=True)


class ExecutionsCancelRequestSerializer(serializers.Serializer[Any]):
    """Which open executions to cancel."""

    account = serializers.IntegerField()
    strategy = serializers.CharField(required=False, allow_null=True)


class EndingSerializer(serializers.Serializer[Any]):
    """What became of one execution."""

    execution = serializers.UUIDField()
    state = serializers.ChoiceField(choices=State.choices)
    code = serializers.CharField(help_text="Why it was left alone: `ORDER_NOT_YOURS`, `EXECUTION_FINAL`.")


class ExecutionsCancelSerializer(serializers.Serializer[Any]):
    """One row per open execution, oldest first."""

    results = EndingSerializer(many=True)


class ExecutionPageSerializer(serializers.Serializer[Any]):
    """One page of executions, newest first."""

    results = ExecutionSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
