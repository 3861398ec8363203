"""After the close: live-built bars are compared with the terminal's own, replaced by them, and sealed away."""

from __future__ import annotations

from dataclasses import dataclass

from marketdata.models import Instrument
from marketdata.quotes import store
from marketdata.quotes.models import RawQuote
from marketdata.quotes.periods import Period, day_date, day_numbers, day_start_ts
from marketdata.services.gaps import find_gaps
from marketdata.services.queue import recently_failed
from marketdata.services.readiness import repair_order
from ops.clocks import MarketClock

HOT_PERIODS = (Period.DAY_1, Period.MINUTE_1, Period.MINUTE_5)


@dataclass(frozen=True, slots=True)
class ClosingSummary:
    """What one pass found: instruments still to be downloaded, hot rows removed because verified ones stand for them."""

    requested: int = 0
    discarded: int = 0

    def __add__(self, other: ClosingSummary) -> ClosingSummary:
        return ClosingSummary(self.requested + other.requested, self.discarded + other.discarded)


def close_days(*, host: str, first_open_day: int, clock: MarketClock) -> ClosingSummary:
    """Have the closed days of instruments with live bars verified, and drop live bars that were.

    Repeated calls are cheap and heal what an earlier one could not finish: what is missing is asked for again, what is
    verified is tidied away.

    Parameters
    ----------
    first_open_day
        Day number from which on bars are not final.
    """
    total = ClosingSummary()
    for period in HOT_PERIODS:
        total += _close_period(host, period, first_open_day, clock)
    return total


def _close_period(host: str, period: Period, first_open_day: int, clock: MarketClock) -> ClosingSummary:
    until = int(day_start_ts(first_open_day)) - 1
    rows = RawQuote.objects.filter(period=period, ts__lte=until)
    ids = sorted(rows.values_list("instrument_id", flat=True).distinct())
    if not ids:
        return ClosingSummary()
    oldest = rows.order_by("ts").values_list("ts", flat=True).first() or until
    instruments = list(Instrument.objects.filter(pk__in=ids))
    first, last = day_date(int(day_numbers(oldest))), day_date(first_open_day - 1)
    gaps = find_gaps(instruments, period, first, last, clock=clock)
    ranges = gaps.ranges()
    failed = recently_failed(ranges, period)
    wanted = {key: pairs for key, pairs in ranges.items() if key not in failed}
    if wanted:
        params = {"reason": "after the close", "period": period.code, "symbol_count": len(wanted)}
        repair_order(ranges=wanted, period=period, host=host, params=params)
    verified = [key for key in ids if key not in ranges]
    discarded = 0
    if verified:
        discarded = store.raw_discard(period=period, instrument_ids=verified, upto_ts=until)
    return ClosingSummary(len(wanted), discarded)
