"""Live-built bars against the terminal's own, which win."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from marketdata.models import LiveDifference
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.models import RawQuote
from marketdata.quotes.periods import Period, ts_date
from ops.clocks import wall_now

COMPARED = ("open", "high", "low", "close", "volume")
EXAMPLES = 5

logger = logging.getLogger(__name__)

Key = tuple[int, int]
"""Instrument id and stamp."""


def differences_keep(*, period: Period, verified: QuoteColumns, host: str) -> int:
    """Compare live bars with the verified ones that are about to replace them, and keep what differs as rows.

    Live bars are built from snapshots every few seconds, so that small differences are normal: a price that no snapshot showed,
    a trade counted into the next bar. With `DESK_SIM_SPEED` above 1 most bars differ, because snapshots are conflated.

    Parameters
    ----------
    verified
        The terminal's bars of closed days.

    Returns
    -------
    int
        Live bars that differ, or that the terminal does not have.
    """
    live = _live(period, verified)
    if not live:
        return 0
    told = _values(verified)
    found: dict[tuple[int, Any], dict[str, Any]] = {}
    for (instrument_id, ts), values in sorted(live.items()):
        day = found.setdefault((instrument_id, ts_date(ts)), {"compared": 0, "differing": 0, "examples": []})
        day["compared"] += 1
        differences = _differences(ts, values, told.get((instrument_id, ts)))
        if differences:
            day["differing"] += 1
            day["examples"] += differences[: EXAMPLES - len(day["examples"])]
    _store(period, host, found)
    total: int = sum(day["differing"] for day in found.values())
    if total:
        logger.warning(
            "live bars differ from the terminal's: period=%s differing=%d of=%d", period.code, total, len(live)
        )
    return total


def _live(period: Period, verified: QuoteColumns) -> dict[Key, tuple[float, ...]]:
    """Live bars where the terminal's are; bars that an earlier comparison has removed are not there any more."""
    if not len(verified):
        return {}
    hot = RawQuote.objects.filter(
        instrument_id__in=np.unique(verified.instrument_id).tolist(),
        period=period,
        ts__range=(int(verified.ts.min()), int(verified.ts.max())),
    )
    return {(key, ts): values for key, ts, *values in hot.values_list("instrument_id", "ts", *COMPARED)}


def _values(rows: QuoteColumns) -> dict[Key, tuple[float, ...]]:
    keys = zip(rows.instrument_id.tolist(), rows.ts.tolist(), strict=True)
    values = zip(*(rows.values[name].tolist() for name in COMPARED), strict=True)
    return dict(zip(keys, values, strict=True))


def _differences(ts: int, live: tuple[float, ...], told: tuple[float, ...] | None) -> list[dict[str, Any]]:
    if told is None:
        return [{"ts": ts, "column": None, "live": None, "terminal": None}]
    return [
        {"ts": ts, "column": name, "live": ours, "terminal": theirs}
        for name, ours, theirs in zip(COMPARED, live, told, strict=True)
        if ours != theirs
    ]


def _store(period: Period, host: str, found: dict[tuple[int, Any], dict[str, Any]]) -> None:
    now = wall_now()
    LiveDifference.objects.bulk_create(
        [
            LiveDifference(
                instrument_id=instrument_id, period=period.code, trade_date=day, host=host, found_at=now, **facts
            )
            for (instrument_id, day), facts in found.items()
            if facts["differing"]
        ],
        update_conflicts=True,
        unique_fields=["instrument", "period", "trade_date"],
        update_fields=["host", "compared", "differing", "examples", "found_at"],
        batch_size=500,
    )
