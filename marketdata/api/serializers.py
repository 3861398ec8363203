"""Shapes of market data on the API. Prices that decide something are decimal text."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketdata.api.jobserializers import JobSerializer
from marketdata.models import Evidence, Instrument
from marketdata.quotes.models import LatestQuote


class PriceField(serializers.DecimalField):
    """CNY as decimal text with as many decimals as the number needs, two at least."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=14, decimal_places=4, **kwargs)

    def to_representation(self, value: Any) -> Any:
        text = format(value, "f")
        whole, _, fraction = text.partition(".")
        return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


class InstrumentSerializer(serializers.ModelSerializer[Instrument]):
    """An instrument with the facts of its latest trade date; those are null before the first sync."""

    tick = PriceField()
    trade_date = serializers.DateField(source="day.trade_date", default=None, allow_null=True)
    pre_close = PriceField(source="day.pre_close", default=None, allow_null=True)
    limit_up = PriceField(source="day.limit_up", default=None, allow_null=True)
    limit_down = PriceField(source="day.limit_down", default=None, allow_null=True)
    suspended = serializers.BooleanField(source="day.suspended", default=None, allow_null=True)
    limits_source = serializers.CharField(source="day.source", default=None, allow_null=True)

    class Meta:
        model = Instrument
        fields = (
            "symbol",
            "name",
            "pinyin",
            "market",
            "board",
            "kind",
            "lot_size",
            "min_quantity",
            "quantity_step",
            "tick",
            "volume_unit",
            "list_date",
            "delist_date",
            "t_plus",
            "is_st",
            "max_limit_quantity",
            "max_market_quantity",
            "tradable",
            "updated_at",
            "trade_date",
            "pre_close",
            "limit_up",
            "limit_down",
            "suspended",
            "limits_source",
        )
        read_only_fields = fields


class InstrumentListSerializer(serializers.Serializer[Any]):
    """Search results, best code matches first."""

    results = InstrumentSerializer(many=True)


class QuoteSerializer(serializers.ModelSerializer[LatestQuote]):
    """The newest snapshot of an instrument; volumes and sizes in shares, five levels, best first."""

    symbol = serializers.CharField()
    bid = serializers.ListField(child=serializers.FloatField())
    ask = serializers.ListField(child=serializers.FloatField())
    bid_volume = serializers.ListField(child=serializers.IntegerField())
    ask_volume = serializers.ListField(child=serializers.IntegerField())

    class Meta:
        model = LatestQuote
        fields = (
            "symbol",
            "ts",
            "last",
            "open",
            "high",
            "low",
            "pre_close",
            "volume",
            "amount",
            "bid",
            "ask",
            "bid_volume",
            "ask_volume",
            "status",
            "received_at",
            "host",
        )
        read_only_fields = fields


class QuoteListSerializer(serializers.Serializer[Any]):
    """Snapshots; symbols that have none are left out."""

    results = QuoteSerializer(many=True)


class CalendarSerializer(serializers.Serializer[Any]):
    """Trading days of a market, and where its clock stands."""

    market = serializers.CharField()
    trading_days = serializers.ListField(child=serializers.DateField())
    holidays = serializers.ListField(child=serializers.DateField())
    trade_date = serializers.DateField()
    phase = serializers.CharField()
    market_time = serializers.DateTimeField()
    simulated = serializers.BooleanField()


class PendingBarsSerializer(serializers.Serializer[Any]):
    """Bars that are still being downloaded: ask for the job, then for the bars again."""

    complete = serializers.BooleanField(default=False)
    job = JobSerializer()
    missing_days = serializers.IntegerField(help_text="Instrument-days still missing.")


class BarSerializer(serializers.Serializer[Any]):
    """One bar. Fields that were not asked for are absent."""

    symbol = serializers.CharField()
    time = serializers.IntegerField(
        help_text="Epoch ms: Shanghai midnight of a day, right edge of a minute. Text with time=iso."
    )
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.IntegerField(help_text="Shares.")
    amount = serializers.FloatField(allow_null=True, help_text="CNY.")
    pre_close = serializers.FloatField(allow_null=True)
    suspended = serializers.BooleanField()


class BarsSerializer(serializers.Serializer[Any]):
    """Bars and what is known about their completeness."""

    complete = serializers.BooleanField(help_text="Every expected bar is here or proven not to exist.")
    period = serializers.CharField()
    adjust = serializers.CharField()
    source = serializers.DictField(  # type: ignore[assignment]  # shadows Field.source, which a serializer has no use for
        help_text="Host, basis of its history, SDK version."
    )
    evidence = serializers.DictField(
        child=serializers.IntegerField(), help_text="Instrument-days without a bar, by proven reason."
    )
    missing_days = serializers.IntegerField()
    failures = serializers.DictField(
        child=serializers.CharField(), help_text="Error per symbol whose repair failed just now."
    )
    rows = BarSerializer(many=True)


class EvidenceSerializer(serializers.ModelSerializer[Evidence]):
    """Trade dates, both included, on which the source has no bar."""

    class Meta:
        model = Evidence
        fields = (
            "start_date",
            "end_date",
            "reason",
            "detail",
            "host",
            "sdk_version",
            "checks",
            "recorded_at",
            "recheck_at",
        )
        read_only_fields = fields


class CoverageSerializer(serializers.Serializer[Any]):
    """One instrument and period. The counts are trading days; `expected` is the sum of those after it."""

    symbol = serializers.CharField()
    name = serializers.CharField()
    period = serializers.CharField()
    first_ts = serializers.IntegerField(allow_null=True, help_text="First stored bar, epoch ms.")
    last_ts = serializers.IntegerField(allow_null=True)
    expected = serializers.IntegerField(
        help_text="Trading days since the listing, closed ones and the open one so far."
    )
    present = serializers.IntegerField(help_text="All bars stored, or those absent proven to have had no trade.")
    suspended = serializers.IntegerField()
    source_empty = serializers.IntegerField(help_text="Proven that the source has no bar, or not all of them.")
    source_depth = serializers.IntegerField(help_text="Older than the source's history.")
    missing = serializers.IntegerField()
    last_sync_at = serializers.DateTimeField(allow_null=True)
    last_sync_count = serializers.IntegerField()
    host = serializers.CharField(help_text="Whose terminal the last download came from.")
    note = serializers.CharField()
    evidence = EvidenceSerializer(many=True)


class CoveragePageSerializer(serializers.Serializer[Any]):
    """One page, in order of symbol."""

    instruments = serializers.IntegerField(help_text="Instruments that fit the filters, before `state`.")
    results = CoverageSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="`cursor` of the next page.")


class CoverageMonthsSerializer(serializers.Serializer[Any]):
    """Instruments × months."""

    period = serializers.CharField()
    months = serializers.ListField(child=serializers.CharField(), help_text="2023-03, ascending.")
    symbols = serializers.ListField(child=serializers.CharField())
    names = serializers.ListField(child=serializers.CharField())
    ratios = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="Per symbol and month: percent of the days that can have bars whose bars are all there, rounded down, so "
        "that 100 means all; -1 where no day can have any.",
    )


class MissingDaysSerializer(serializers.Serializer[Any]):
    """An unbroken stretch of missing trading days, both ends included."""

    symbol = serializers.CharField()
    start_date = serializers.DateField()
    end_date = serializers.DateField()
    days = serializers.IntegerField(help_text="Trading days.")


class CoverageMissingSerializer(serializers.Serializer[Any]):
    """What is to be fetched of some instruments, by symbol, oldest first."""

    period = serializers.CharField()
    results = MissingDaysSerializer(many=True)
