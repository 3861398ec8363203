"""Shapes of static data on the API. Money is decimal text; figures of statements are numbers under the terminal's names."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketdata.api.serializers import PriceField
from marketdata.models import (
    ConvertibleBond,
    DividendFactor,
    FinancialReport,
    FundBasket,
    IndexWeight,
    InstrumentAlias,
    InstrumentChange,
    NewIssue,
    Sector,
    SectorMember,
)


class SectorSerializer(serializers.ModelSerializer[Sector]):
    """A sector; its members are known from `known_since` on."""

    class Meta:
        model = Sector
        fields = ("name", "known_since", "retired_on", "updated_at")
        read_only_fields = fields


class MemberSerializer(serializers.ModelSerializer[SectorMember]):
    """A membership: `valid_to` is the last day, null while it lasts."""

    symbol = serializers.CharField(source="instrument.symbol")
    name = serializers.CharField(source="instrument.name")

    class Meta:
        model = SectorMember
        fields = ("symbol", "name", "valid_from", "valid_to")
        read_only_fields = fields


class WeightSerializer(serializers.ModelSerializer[IndexWeight]):
    """Weight of a constituent in per cent."""

    symbol = serializers.CharField(source="instrument.symbol")
    name = serializers.CharField(source="instrument.name")

    class Meta:
        model = IndexWeight
        fields = ("symbol", "name", "weight", "valid_from", "valid_to")
        read_only_fields = fields


class FinancialSerializer(serializers.ModelSerializer[FinancialReport]):
    """One row of a financial table; `announced_on` is when it became public."""

    symbol = serializers.CharField(source="instrument.symbol")

    class Meta:
        model = FinancialReport
        fields = ("symbol", "table", "report_date", "announced_on", "rank", "values", "observed_at")
        read_only_fields = fields


class BondSerializer(serializers.ModelSerializer[ConvertibleBond]):
    """Terms of a convertible bond over a stretch of days."""

    symbol = serializers.CharField(source="instrument.symbol")
    name = serializers.CharField(source="instrument.name")
    conversion_price = PriceField(allow_null=True)

    class Meta:
        model = ConvertibleBond
        fields = (
            "symbol",
            "name",
            "underlying",
            "conversion_price",
            "remaining_size",
            "maturity_date",
            "conversion_start",
            "conversion_end",
            "facts",
            "valid_from",
            "valid_to",
        )
        read_only_fields = fields


class BasketSerializer(serializers.ModelSerializer[FundBasket]):
    """Head of a fund's creation list; `components` counts what it consists of."""

    symbol = serializers.CharField(source="instrument.symbol")
    name = serializers.CharField(source="instrument.name")
    component_count = serializers.SerializerMethodField()

    class Meta:
        model = FundBasket
        fields: tuple[str, ...] = (
            "symbol",
            "name",
            "trade_date",
            "unit",
            "nav",
            "cash_difference",
            "estimated_cash",
            "component_count",
        )
        read_only_fields = fields

    def get_component_count(self, row: FundBasket) -> int:
        return len(row.components)


class ComponentSerializer(serializers.Serializer[Any]):
    """One security of a creation unit; `substitute` is the exchange's cash-substitution flag."""

    symbol = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    substitute = serializers.IntegerField()
    creation_premium = serializers.FloatField()
    creation_amount = serializers.FloatField()
    redemption_discount = serializers.FloatField()
    redemption_amount = serializers.FloatField()


class BasketDetailSerializer(BasketSerializer):
    """A fund's whole creation list."""

    components = ComponentSerializer(many=True)

    class Meta(BasketSerializer.Meta):
        fields = (*BasketSerializer.Meta.fields, "facts", "components")
        read_only_fields = fields


class NewIssueSerializer(serializers.ModelSerializer[NewIssue]):
    """A new issue, before and after its listing."""

    price = PriceField(allow_null=True)

    class Meta:
        model = NewIssue
        fields = (
            "symbol",
            "name",
            "subscription_code",
            "subscribe_on",
            "lottery_on",
            "pay_on",
            "listed_on",
            "price",
            "issue_quantity",
            "online_quantity",
            "min_quantity",
            "max_quantity",
            "facts",
            "first_seen_on",
        )
        read_only_fields = fields


class FactorSerializer(serializers.ModelSerializer[DividendFactor]):
    """One ex-date, per share held before it; `dr` is previous close divided by the ex-rights reference."""

    symbol = serializers.CharField(source="instrument.symbol")

    class Meta:
        model = DividendFactor
        fields = (
            "symbol",
            "date",
            "interest",
            "stock_bonus",
            "stock_gift",
            "allot_num",
            "allot_price",
            "gugai",
            "dr",
        )
        read_only_fields = fields


class InstrumentAliasSerializer(serializers.ModelSerializer[InstrumentAlias]):
    """What an instrument was called until `valid_to`."""

    class Meta:
        model = InstrumentAlias
        fields = ("kind", "text", "valid_from", "valid_to")
        read_only_fields = fields


class InstrumentChangeSerializer(serializers.ModelSerializer[InstrumentChange]):
    """One fact that became another on a trade date."""

    class Meta:
        model = InstrumentChange
        fields = ("date", "field", "before", "after", "host", "recorded_at")
        read_only_fields = fields


class InstrumentHistorySerializer(serializers.Serializer[Any]):
    """Former codes and names, and every recorded change, newest first."""

    symbol = serializers.CharField()
    name = serializers.CharField()
    aliases = InstrumentAliasSerializer(many=True)
    changes = InstrumentChangeSerializer(many=True)


class HolidaySerializer(serializers.Serializer[Any]):
    """Weekdays on which the exchanges stay closed."""

    holidays = serializers.ListField(child=serializers.DateField())


class RefreshSerializer(serializers.Serializer[Any]):
    """What to refresh."""

    parts = serializers.ListField(
        child=serializers.ChoiceField(["instruments", "lists", "financials", "sector_history"]),
        min_length=1,
        max_length=4,
    )
    symbols = serializers.ListField(child=serializers.CharField(max_length=20), required=False, max_length=5000)
    sectors = serializers.ListField(child=serializers.CharField(max_length=64), required=False, max_length=200)
    since = serializers.DateField(required=False)
