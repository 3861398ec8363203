"""Live-built bars against the terminal's own."""

from __future__ import annotations

import logging

import numpy as np

from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.models import RawQuote
from marketdata.quotes.periods import Period

logger = logging.getLogger(__name__)


def log_differences(*, period: Period, verified: QuoteColumns) -> int:
    """Compare live bars with the verified ones that are about to replace them; returns how many differ.

    Live bars are built from snapshots every few seconds: small differences are normal, and the reason why only
    verified bars are sealed.
    """
    if not len(verified):
        return 0
    ids = np.unique(verified.instrument_id).tolist()
    hot = RawQuote.objects.filter(
        instrument_id__in=ids,
        period=period,
        ts__range=(int(verified.ts.min()), int(verified.ts.max())),
    )
    live = {
        (key, ts): (close, volume)
        for key, ts, close, volume in hot.values_list("instrument_id", "ts", "close", "volume")
    }
    if not live:
        return 0
    keys = zip(verified.instrument_id.tolist(), verified.ts.tolist(), strict=True)
    values = zip(verified.values["close"].tolist(), verified.values["volume"].tolist(), strict=True)
    told = dict(zip(keys, values, strict=True))
    different = sorted(key for key, value in live.items() if told.get(key) != value)
    if different:
        logger.warning(
            "live bars differ from the terminal's: period=%s differing=%d of=%d first=%s",
            period.code,
            len(different),
            len(live),
            different[0],
        )
    return len(different)
