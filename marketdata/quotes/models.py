"""Tables of the `quotes` database.

Bulk writes never go through the ORM (see `bulk_sqlite`, `bulk_postgres`); the models exist for
migrations, for small reads and for tests. There are no foreign keys: the instruments live in
another database.
"""

from __future__ import annotations

from django.db import models

from marketdata.quotes.periods import Period

_PERIOD_CHOICES = [(period.value, period.code) for period in Period]


class RawQuote(models.Model):
    """One bar of the open day, or of any stretch that is not sealed yet."""

    pk = models.CompositePrimaryKey("instrument_id", "period", "ts")
    instrument_id = models.IntegerField()
    period = models.SmallIntegerField(choices=_PERIOD_CHOICES)
    ts = models.BigIntegerField(help_text="Epoch ms; right edge of a minute, midnight of a day.")
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.BigIntegerField(help_text="Shares.")
    amount = models.FloatField(null=True, help_text="CNY.")
    pre_close = models.FloatField(null=True)
    suspended = models.BooleanField(default=False)
    open_interest = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.instrument_id} {Period(self.period).code} {self.ts}"


class RawTick(models.Model):
    """One tick of the open day. Stamps repeat, so `seq` numbers the ticks of one stamp from 0."""

    pk = models.CompositePrimaryKey("instrument_id", "ts", "seq")
    instrument_id = models.IntegerField()
    ts = models.BigIntegerField(help_text="Epoch ms, event time.")
    seq = models.IntegerField()
    last = models.FloatField()
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    pre_close = models.FloatField()
    volume = models.BigIntegerField(help_text="Cumulative for the day, shares.")
    amount = models.FloatField(help_text="Cumulative for the day, CNY.")
    pvolume = models.BigIntegerField(null=True, help_text="The terminal's own share count.")
    transactions = models.BigIntegerField(null=True, help_text="Cumulative number of trades.")
    status = models.IntegerField(default=0)
    bid1 = models.FloatField(null=True)
    bid2 = models.FloatField(null=True)
    bid3 = models.FloatField(null=True)
    bid4 = models.FloatField(null=True)
    bid5 = models.FloatField(null=True)
    ask1 = models.FloatField(null=True)
    ask2 = models.FloatField(null=True)
    ask3 = models.FloatField(null=True)
    ask4 = models.FloatField(null=True)
    ask5 = models.FloatField(null=True)
    bid_volume1 = models.BigIntegerField(null=True)
    bid_volume2 = models.BigIntegerField(null=True)
    bid_volume3 = models.BigIntegerField(null=True)
    bid_volume4 = models.BigIntegerField(null=True)
    bid_volume5 = models.BigIntegerField(null=True)
    ask_volume1 = models.BigIntegerField(null=True)
    ask_volume2 = models.BigIntegerField(null=True)
    ask_volume3 = models.BigIntegerField(null=True)
    ask_volume4 = models.BigIntegerField(null=True)
    ask_volume5 = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.ts}.{self.seq}"


class QuoteSegment(models.Model):
    """A closed, verified stretch: one (instrument, period, bucket), encoded by `codec`.

    The headers of a period stand together in an index of their own: a scan of the whole market reads a few
    megabytes in one stretch, however large the table with its payloads is.
    """

    pk = models.CompositePrimaryKey("instrument_id", "period", "bucket")
    instrument_id = models.IntegerField()
    period = models.SmallIntegerField(choices=_PERIOD_CHOICES)
    bucket = models.IntegerField(help_text="YYYY, YYYYMM or YYYYMMDD, by period.")
    version = models.IntegerField(default=1, help_text="Compare-and-swap counter.")
    first_ts = models.BigIntegerField()
    last_ts = models.BigIntegerField()
    rows = models.IntegerField()
    checksum = models.BigIntegerField(help_text="CRC-32 over key, header and payload.")
    day_counts = models.BinaryField(help_text="Rows per day, see `daycounts`.")
    payload = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(
                fields=["period", "instrument_id", "bucket", "first_ts", "last_ts", "rows", "day_counts"],
                name="quotes_segment_headers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {Period(self.period).code} {self.bucket} v{self.version}"


class LatestQuote(models.Model):
    """The newest snapshot of an instrument."""

    instrument_id = models.IntegerField(primary_key=True)
    ts = models.BigIntegerField(help_text="Event time, epoch ms.")
    last = models.FloatField()
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    pre_close = models.FloatField()
    volume = models.BigIntegerField(help_text="Cumulative for the day, shares.")
    amount = models.FloatField(help_text="Cumulative for the day, CNY.")
    bid = models.JSONField(default=list, help_text="Five prices, best first.")
    ask = models.JSONField(default=list)
    bid_volume = models.JSONField(default=list, help_text="Five sizes in shares.")
    ask_volume = models.JSONField(default=list)
    status = models.IntegerField(default=0)
    received_at = models.BigIntegerField(help_text="Receive time, epoch ms.")
    host = models.CharField(max_length=64, default="", help_text="QMT host whose feed brought it.")

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.last} at {self.ts}"
