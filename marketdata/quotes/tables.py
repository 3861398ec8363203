"""Names and shapes of the tables that plain SQL reads and writes.

Statements are put together from these constants only; values always travel as parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from django.db import models

from marketdata.quotes.columns import Schema, schema_of
from marketdata.quotes.models import LatestQuote, QuoteSegment, RawQuote, RawTick
from marketdata.quotes.periods import Period

DATABASE = "quotes"

SEGMENTS = QuoteSegment._meta.db_table
LATEST = LatestQuote._meta.db_table


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table of hot rows.

    Attributes
    ----------
    key : tuple of str
        Primary key, in order.
    values : tuple of str
        The other columns, in the schema's order.
    """

    name: str
    model: type[models.Model]
    schema: Schema
    key: tuple[str, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """Columns outside the key."""
        return tuple(name for name in self.schema.names if name not in self.key)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns: key, then values."""
        return self.key + self.values


RAW_BARS = RawTable(
    RawQuote._meta.db_table,
    RawQuote,
    schema_of(Period.DAY_1),
    ("instrument_id", "period", "ts"),
)
RAW_TICKS = RawTable(RawTick._meta.db_table, RawTick, schema_of(Period.TICK), ("instrument_id", "ts", "seq"))


def raw_table(period: Period) -> RawTable:
    """Table that holds the hot rows of a period."""
    return RAW_TICKS if period is Period.TICK else RAW_BARS


class SegmentRow(NamedTuple):
    """A segment as it stands in the table, field for column."""

    instrument_id: int
    period: int
    bucket: int
    version: int
    first_ts: int
    last_ts: int
    rows: int
    checksum: int
    day_counts: bytes
    payload: bytes


class LatestRow(NamedTuple):
    """A latest quote as it stands in the table, field for column; level columns are JSON text."""

    instrument_id: int
    ts: int
    last: float
    open: float
    high: float
    low: float
    pre_close: float
    volume: int
    amount: float
    bid: str
    ask: str
    bid_volume: str
    ask_volume: str
    status: int
    received_at: int
    host: str = ""


def assignments(columns: tuple[str, ...], source: str) -> str:
    """``a = source.a, b = source.b``."""
    return ", ".join(f"{name} = {source}.{name}" for name in columns)


def prefixed(columns: tuple[str, ...], source: str) -> str:
    """``source.a, source.b``."""
    return ", ".join(f"{source}.{name}" for name in columns)
