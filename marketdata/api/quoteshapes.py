"""How a snapshot looks: as the API's object, and as a line of a table.

Written by hand: a whole market is five thousand of them, and a serializer takes twenty times as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from marketdata.api.serializers import QuoteSerializer
from marketdata.api.tabular import columns_of
from marketdata.quotes.models import LatestQuote

#: As `QuoteSerializer` documents them.
QUOTE_FIELDS = QuoteSerializer.Meta.fields
_STORED = QUOTE_FIELDS[1:]
_DEPTH = 5
_LADDERS = {"bid": pa.float64(), "bid_volume": pa.int64(), "ask": pa.float64(), "ask_volume": pa.int64()}

QUOTE_COLUMNS: dict[str, pa.DataType] = {
    name: kind for name, kind in columns_of(QuoteSerializer).items() if name not in _LADDERS
} | {f"{name}{level}": kind for level in range(1, _DEPTH + 1) for name, kind in _LADDERS.items()}


def quote_row(quote: LatestQuote, symbol: str) -> dict[str, Any]:
    """A snapshot with the fields of `QUOTE_FIELDS`."""
    row: dict[str, Any] = {"symbol": symbol}
    for name in _STORED:
        row[name] = getattr(quote, name)
    return row


def levels_apart(row: Mapping[str, Any]) -> dict[str, Any]:
    """A snapshot with the columns of `QUOTE_COLUMNS`; a level that the book does not have is null."""
    line = {name: value for name, value in row.items() if name not in _LADDERS}
    for name in _LADDERS:
        for level in range(_DEPTH):
            line[f"{name}{level + 1}"] = row[name][level] if level < len(row[name]) else None
    return line
