"""Shapes of an account's books on the API. Decimals travel as text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from trading.ledger.choices import BY_HAND, DifferenceKind, DifferenceState, EntryKind

_HAND = sorted((str(kind), str(kind)) for kind in BY_HAND)


class HoldingSerializer(serializers.Serializer[Any]):
    """One holding: the broker's shares, our cost beside the broker's."""

    symbol = serializers.CharField()
    quantity = serializers.IntegerField()
    sellable = serializers.IntegerField()
    price = serializers.CharField()
    market_value = serializers.CharField()
    average_cost = serializers.CharField(allow_null=True, help_text="Per share, fees included, moving average.")
    base_cost = serializers.CharField(allow_null=True, help_text="Per share, without fees.")
    broker_cost = serializers.CharField(help_text="Per share, as the broker states it.")
    unrealised = serializers.CharField(allow_null=True)
    opened_on = serializers.DateField(allow_null=True)
    holding_days = serializers.IntegerField(allow_null=True, help_text="Calendar days.")


class StatementSerializer(serializers.Serializer[Any]):
    """One trade date of one account."""

    account = serializers.IntegerField()
    date = serializers.DateField()
    closed = serializers.BooleanField(help_text="False: the date goes on, the figures are of now.")
    opening_equity = serializers.CharField(allow_null=True)
    equity = serializers.CharField()
    cash = serializers.CharField(help_text="The broker's, frozen included.")
    market_value = serializers.CharField()
    profit = serializers.CharField(allow_null=True)
    realised = serializers.CharField()
    external = serializers.CharField(help_text="Money brought in, less taken out.")
    income = serializers.DictField(child=serializers.CharField())
    fees = serializers.DictField(child=serializers.CharField(), help_text="Our estimate by rule.")
    positions = HoldingSerializer(many=True)
    entries = serializers.IntegerField()
    differences = serializers.IntegerField(help_text="Open now.")


class EquityPointSerializer(serializers.Serializer[Any]):
    """One closed trade date."""

    date = serializers.DateField()
    equity = serializers.CharField()
    cash = serializers.CharField()
    market_value = serializers.CharField()
    external = serializers.CharField(help_text="Brought in since the books were opened.")
    profit = serializers.CharField()
    profit_total = serializers.CharField()
    drawdown = serializers.CharField(help_text="Below the highest profit so far.")


class EquityCurveSerializer(serializers.Serializer[Any]):
    """Closed trade dates, oldest first."""

    results = EquityPointSerializer(many=True)


class OwnerHoldingSerializer(serializers.Serializer[Any]):
    """What one person's and strategy's orders hold of one instrument."""

    user = serializers.CharField(allow_null=True, help_text="Null for what nobody's order led to.")
    strategy = serializers.CharField()
    symbol = serializers.CharField()
    quantity = serializers.IntegerField(help_text="Negative: sold out of another part.")
    sellable = serializers.IntegerField(help_text="Without what was bought today, where the instrument settles T+1.")
    price = serializers.CharField(allow_null=True)
    market_value = serializers.CharField(allow_null=True)
    average_cost = serializers.CharField(help_text="Per share, fees included, moving average.")
    unrealised = serializers.CharField(allow_null=True)
    realised = serializers.CharField()
    dividends = serializers.CharField()
    fees = serializers.CharField()
    opened_on = serializers.DateField(allow_null=True)


class OwnerHoldingListSerializer(serializers.Serializer[Any]):
    """By person, strategy and symbol."""

    results = OwnerHoldingSerializer(many=True)


class ProfitSerializer(serializers.Serializer[Any]):
    """One person, strategy or instrument."""

    key = serializers.CharField(help_text="Empty for what nobody's order led to.")
    name = serializers.CharField()
    realised = serializers.CharField()
    dividends = serializers.CharField()
    unrealised = serializers.CharField()
    total = serializers.CharField()
    market_value = serializers.CharField()
    cost = serializers.CharField()
    quantity = serializers.IntegerField(help_text="Shares held now, over all instruments of the line.")
    bought = serializers.CharField()
    sold = serializers.CharField()
    fees = serializers.DictField(child=serializers.CharField())
    fees_total = serializers.CharField()


class ProfitListSerializer(serializers.Serializer[Any]):
    """Best first."""

    results = ProfitSerializer(many=True)


class EntrySerializer(serializers.Serializer[Any]):
    """One ledger entry."""

    id = serializers.IntegerField()
    account = serializers.IntegerField()
    trade_date = serializers.DateField()
    kind = serializers.ChoiceField(choices=EntryKind.choices)
    symbol = serializers.CharField()
    side = serializers.CharField()
    quantity = serializers.IntegerField()
    price = serializers.CharField(allow_null=True)
    cash = serializers.CharField()
    realised = serializers.CharField()
    user = serializers.CharField(allow_null=True)
    strategy = serializers.CharField()
    reference = serializers.CharField()
    rule = serializers.CharField()
    note = serializers.CharField()
    created_by = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField()


class EntryPageSerializer(serializers.Serializer[Any]):
    """A page of entries."""

    results = EntrySerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class EntryWishSerializer(serializers.Serializer[Any]):
    """An entry by hand."""

    kind = serializers.ChoiceField(choices=_HAND)
    key = serializers.CharField(max_length=64, help_text="Your name for it; the same again is refused.")
    note = serializers.CharField(max_length=400)
    symbol = serializers.CharField(max_length=16, required=False, default="", allow_blank=True)
    quantity = serializers.IntegerField(required=False, default=0, min_value=-(10**12), max_value=10**12)
    price = serializers.DecimalField(
        max_digits=14, decimal_places=6, required=False, default=None, allow_null=True, min_value=0
    )
    cash = serializers.DecimalField(max_digits=18, decimal_places=4, required=False, default=Decimal(0))
    trade_date = serializers.DateField(required=False, default=None, allow_null=True)


class DifferenceSerializer(serializers.Serializer[Any]):
    """One disagreement with both values."""

    id = serializers.IntegerField()
    account = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=DifferenceKind.choices)
    key = serializers.CharField()
    ours = serializers.CharField()
    theirs = serializers.CharField()
    trade_date = serializers.DateField()
    state = serializers.ChoiceField(choices=DifferenceState.choices)
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    settled_by = serializers.CharField(allow_null=True)
    entry = serializers.IntegerField(allow_null=True)
    note = serializers.CharField()


class DifferencePageSerializer(serializers.Serializer[Any]):
    """A page of differences."""

    results = DifferenceSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class ResolutionSerializer(serializers.Serializer[Any]):
    """How a difference is settled."""

    note = serializers.CharField(max_length=400, help_text="Why; kept with the entry and on the audit trail.")
    kind = serializers.ChoiceField(choices=_HAND, required=False, default=EntryKind.ADJUSTMENT.value)
    price = serializers.DecimalField(
        max_digits=14, decimal_places=6, required=False, default=None, allow_null=True, min_value=0
    )
