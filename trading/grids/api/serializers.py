"""Shapes of grids on the API. Requests are described for the document only: the services read and refuse the fields."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trading.grids.choices import Direction, GridEnd, GridSignalState, GridState
from trading.grids.terms import RANGES, TEMPLATES
from trading.ledger.wire import plain
from trading.orders.choices import Side, Status


def _range(name: str) -> str:
    low, high = RANGES[name]
    return f"{plain(low)} to {plain(high)}; the template's when absent."


class GridRequestSerializer(serializers.Serializer[Any]):
    """A wish for a grid on a holding. Numbers as text are read exactly."""

    account = serializers.IntegerField()
    symbol = serializers.CharField()
    template = serializers.ChoiceField(choices=list(TEMPLATES), required=False, help_text="moderate when absent.")
    center = serializers.CharField(
        required=False, allow_null=True, help_text="CNY; the highest price since the holding was opened when absent."
    )
    max_investment = serializers.CharField(
        required=False, allow_null=True, help_text="CNY; half of the holding's value when absent."
    )
    interval = serializers.CharField(required=False, allow_null=True, help_text=_range("interval"))
    ratio = serializers.CharField(required=False, allow_null=True, help_text=_range("ratio"))
    callback = serializers.CharField(
        required=False, allow_null=True, help_text=_range("callback") + " Below the interval."
    )
    max_deviation = serializers.CharField(required=False, allow_null=True, help_text=_range("max_deviation"))
    target = serializers.CharField(required=False, allow_null=True, help_text=_range("target"))
    stop = serializers.CharField(required=False, allow_null=True, help_text=_range("stop"))
    days = serializers.IntegerField(required=False, allow_null=True, help_text=_range("days"))


class GridTermsSerializer(serializers.Serializer[Any]):
    """The numbers of a grid; fractions as decimal text."""

    interval = serializers.CharField()
    ratio = serializers.CharField()
    callback = serializers.CharField()
    max_deviation = serializers.CharField()
    target = serializers.CharField()
    stop = serializers.CharField()
    days = serializers.IntegerField()


class GridTemplateSerializer(serializers.Serializer[Any]):
    """One template."""

    name = serializers.CharField()
    terms = GridTermsSerializer()


class GridRangeSerializer(serializers.Serializer[Any]):
    """What a number may be, both ends included."""

    name = serializers.CharField()
    least = serializers.CharField()
    most = serializers.CharField()


class GridTemplatesSerializer(serializers.Serializer[Any]):
    """Templates and ranges."""

    results = GridTemplateSerializer(many=True)
    ranges = GridRangeSerializer(many=True)


class GridLevelsSerializer(serializers.Serializer[Any]):
    """Prices for a chart, CNY."""

    center = serializers.CharField()
    began_at = serializers.CharField()
    deviation = serializers.CharField(help_text="Of the centre from where it began, as a fraction.")
    sell_above = serializers.CharField()
    buy_below = serializers.CharField()
    direction = serializers.ChoiceField(choices=Direction.choices)
    extreme = serializers.CharField(allow_null=True, help_text="Peak while rising, valley while falling.")
    turn = serializers.CharField(allow_null=True, help_text="At this price comes the signal that is waited for.")
    target = serializers.CharField(allow_null=True, help_text="Price at which the target is reached; null: at none.")
    stop = serializers.CharField(allow_null=True)


class GridCooldownsSerializer(serializers.Serializer[Any]):
    """Until when levels and sides rest."""

    upper = serializers.DateTimeField(allow_null=True)
    lower = serializers.DateTimeField(allow_null=True)
    sell = serializers.DateTimeField(allow_null=True)
    buy = serializers.DateTimeField(allow_null=True)


class GridFiguresSerializer(serializers.Serializer[Any]):
    """What it has come to, before fees; money as decimal text."""

    bought_quantity = serializers.IntegerField()
    bought_amount = serializers.CharField()
    sold_quantity = serializers.IntegerField()
    sold_amount = serializers.CharField()
    open_quantity = serializers.IntegerField(help_text="Bought less sold, in shares of today.")
    paid_out = serializers.CharField(help_text="What ex-dates paid for the open volume.")
    realised = serializers.CharField(help_text="Of matched lots.")
    last_price = serializers.CharField(allow_null=True)
    profit = serializers.CharField(allow_null=True, help_text="sold − bought + paid out + open volume × price.")
    profit_ratio = serializers.CharField(allow_null=True, help_text="The profit by the largest investment.")


class GridSerializer(serializers.Serializer[Any]):
    """One grid."""

    id = serializers.IntegerField(allow_null=True, help_text="Null in a preview.")
    account = serializers.IntegerField()
    symbol = serializers.CharField()
    user = serializers.CharField(help_text="In whose name it trades.")
    by_token = serializers.BooleanField()
    template = serializers.CharField()
    terms = GridTermsSerializer()
    max_investment = serializers.CharField()
    state = serializers.ChoiceField(choices=GridState.choices)
    end = serializers.ChoiceField(choices=[("", ""), *GridEnd.choices])
    held = serializers.CharField(help_text="Why nothing is detected for now.")
    revision = serializers.IntegerField()
    expires_at = serializers.DateTimeField(help_text="Market time.")
    levels = GridLevelsSerializer()
    cooldowns = GridCooldownsSerializer()
    figures = GridFiguresSerializer()
    scaled_on = serializers.DateField(help_text="Ex-dates up to this trade date are in the figures.")
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    final_at = serializers.DateTimeField(allow_null=True)


class GridPageSerializer(serializers.Serializer[Any]):
    """One page of grids, newest first."""

    results = GridSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class GridOrderSerializer(serializers.Serializer[Any]):
    """One order of a signal."""

    number = serializers.IntegerField()
    quantity = serializers.IntegerField()
    price = serializers.CharField()
    order = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(choices=Status.choices, allow_null=True)
    traded_quantity = serializers.IntegerField()


class GridSignalSerializer(serializers.Serializer[Any]):
    """One turn of the price that the grid acted on, or why it did not."""

    number = serializers.IntegerField()
    side = serializers.ChoiceField(choices=Side.choices)
    price = serializers.CharField()
    extreme = serializers.CharField()
    center = serializers.CharField()
    quantity = serializers.IntegerField()
    state = serializers.ChoiceField(choices=GridSignalState.choices)
    code = serializers.CharField()
    message = serializers.CharField()
    traded_quantity = serializers.IntegerField()
    traded_amount = serializers.CharField()
    trade_date = serializers.DateField()
    detected_at = serializers.DateTimeField()
    final_at = serializers.DateTimeField(allow_null=True)
    orders = GridOrderSerializer(many=True)


class GridFillSerializer(serializers.Serializer[Any]):
    """One line of a grid's ledger; with an open quantity it is a lot that is not matched yet."""

    id = serializers.IntegerField()
    signal = serializers.IntegerField()
    side = serializers.ChoiceField(choices=Side.choices)
    quantity = serializers.IntegerField()
    price = serializers.CharField()
    amount = serializers.CharField()
    realised = serializers.CharField()
    open_quantity = serializers.IntegerField()
    lot_price = serializers.CharField()
    traded_at = serializers.DateTimeField()


class GridFillPageSerializer(serializers.Serializer[Any]):
    """One page of a grid's ledger, newest first."""

    results = GridFillSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class GridDetailSerializer(GridSerializer):
    """One grid with its newest signals and its open lots."""

    signals = GridSignalSerializer(many=True)
    lots = GridFillSerializer(many=True)
