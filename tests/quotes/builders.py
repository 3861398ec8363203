"""Hand-made rows for the tests of the quote store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from marketdata.choices import Board, Kind
from marketdata.models import Instrument
from marketdata.quotes.columns import BAR, TICK, QuoteColumns

SHANGHAI = ZoneInfo("Asia/Shanghai")


def stamp(text: str) -> int:
    """Epoch ms of ``YYYY-MM-DD HH:MM[:SS]`` in Shanghai, by the time-zone database."""
    return round(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


def midnight(day: date) -> int:
    """Epoch ms of Shanghai midnight, by the time-zone database."""
    return round(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp() * 1000)


def bars(instrument_id: int, ts: Sequence[int], close: Sequence[float] | float = 10.0, **columns: Any) -> QuoteColumns:
    """Flat bars at the given closes; further columns override."""
    prices = np.broadcast_to(np.asarray(close, dtype=np.float64), (len(ts),))
    given: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close"), prices)
    given["volume"] = np.full(len(ts), 100)
    return QuoteColumns.build(
        BAR,
        instrument_id=instrument_id,
        ts=np.asarray(ts, dtype=np.int64),
        columns={**given, **columns},
    )


def ticks(instrument_id: int, ts: Sequence[int], seq: Sequence[int], last: float = 10.0) -> QuoteColumns:
    """Ticks without a book."""
    prices = np.full(len(ts), last)
    zeros = np.zeros(len(ts), dtype=np.int64)
    columns: dict[str, Any] = dict.fromkeys(("last", "open", "high", "low", "pre_close", "amount"), prices)
    return QuoteColumns.build(
        TICK,
        instrument_id=instrument_id,
        ts=np.asarray(ts, dtype=np.int64),
        columns={**columns, "seq": np.asarray(seq), "volume": zeros, "status": zeros},
    )


def closes(rows: QuoteColumns) -> list[tuple[int, int, float]]:
    """Instrument, stamp and close of every row."""
    return list(
        zip(
            rows.instrument_id.tolist(),
            rows.ts.tolist(),
            rows.values["close"].tolist(),
            strict=True,
        )
    )


def create_instrument(symbol: str) -> Instrument:
    """A main-board share."""
    return Instrument.objects.create(
        symbol=symbol,
        name=symbol,
        market=symbol[-2:],
        board=Board.MAIN,
        kind=Kind.STOCK,
        lot_size=100,
        min_quantity=100,
        quantity_step=100,
        tick=Decimal("0.01"),
        volume_unit=100,
        max_limit_quantity=1_000_000,
        max_market_quantity=1_000_000,
        updated_at=datetime(2024, 3, 1, tzinfo=SHANGHAI),
    )
