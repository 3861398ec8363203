"""Test data of the store benchmark: random-walk prices in cents, random volumes. numpy only, because
the peer's interpreter imports it as well."""

from __future__ import annotations

from typing import Any

import numpy as np

SYMBOLS = 50
ROWS = 4_800
SEED = 20_240_301
# 2024-01-02 00:00 in Shanghai.
FIRST_MIDNIGHT_MS = 1_704_124_800_000
DAY_MS = 86_400_000
MINUTES = np.concatenate([np.arange(571, 691), np.arange(781, 901)]) * 60_000


def stamps(rows: int) -> Any:
    """Right edges of consecutive trading minutes, 240 a day, every day (no calendar needed here)."""
    days = -(-rows // MINUTES.size)
    midnights = FIRST_MIDNIGHT_MS + np.arange(days, dtype=np.int64) * DAY_MS
    return (midnights[:, None] + MINUTES).ravel()[:rows]


def symbol_bars(number: int, rows: int = ROWS) -> dict[str, Any]:
    """Columns of one instrument; the same number gives the same bars everywhere."""
    random = np.random.default_rng(SEED + number)
    close = np.round(20.0 * np.exp(np.cumsum(random.normal(0, 0.0008, rows))), 2)
    open_ = np.round(close * (1 + random.normal(0, 0.0003, rows)), 2)
    spread = np.abs(random.normal(0, 0.0005, (2, rows)))
    high = np.round(np.maximum(open_, close) * (1 + spread[0]), 2)
    low = np.round(np.minimum(open_, close) * (1 - spread[1]), 2)
    volume = random.integers(1, 2_000_000, rows)
    return {
        "ts": stamps(rows),
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "amount": np.round(volume * (high + low) / 2, 2),
    }
