"""What the executor sees of the market: newest quotes, prices to quote at, and how much trading time has passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

from marketdata.models import InstrumentDay
from marketdata.quotes.models import LatestQuote
from ops.clocks import MarketClock
from qmt.calendar import Phase, phase_at
from trading.orders.choices import Side
from trading.signals.screen import MAX_AGE_MS, exact

#: Continuous trading of a day, in seconds since midnight.
_CONTINUOUS: Final = ((34_200, 41_400), (46_800, 53_820))


@dataclass(frozen=True, slots=True)
class LiveQuote:
    """The newest quote of an instrument; `bid` and `ask` are the best prices, 0 where nobody quotes."""

    ts: int
    last: Decimal
    bid: Decimal
    ask: Decimal

    @classmethod
    def of_message(cls, quote: Mapping[str, Any]) -> LiveQuote:
        """From a quote as the stream carries it."""
        bids, asks = quote["bid"], quote["ask"]
        return cls(
            ts=quote["ts"],
            last=exact(quote["last"]),
            bid=exact(bids[0]) if bids else Decimal(0),
            ask=exact(asks[0]) if asks else Decimal(0),
        )

    @classmethod
    def of_row(cls, row: LatestQuote) -> LiveQuote:
        """From the stored one."""
        return cls.of_message({"ts": row.ts, "last": row.last, "bid": row.bid, "ask": row.ask})

    def is_fresh(self, clock: MarketClock) -> bool:
        """Whether it may decide anything now."""
        now = int(clock.market_time.timestamp() * 1000)
        return abs(now - self.ts) <= MAX_AGE_MS and self.last > 0

    def opposite(self, side: str) -> Decimal:
        """The best price of the other side; the last one where nobody quotes there."""
        best = self.ask if side == Side.BUY else self.bid
        return best if best > 0 else self.last


class Quotes(Protocol):
    """Where newest quotes come from."""

    def newest(self, host: str, symbol: str, instrument_id: int) -> LiveQuote | None:
        """The newest quote of an instrument on a host; None before the first."""
        ...


class StoredQuotes:
    """Quotes from the latest-quote table, which the data worker writes every second or so."""

    def newest(self, host: str, symbol: str, instrument_id: int) -> LiveQuote | None:
        """See `Quotes`."""
        row = LatestQuote.objects.filter(instrument_id=instrument_id).first()
        return None if row is None else LiveQuote.of_row(row)


def is_at_limit(side: str, price: Decimal, day: InstrumentDay) -> bool:
    """Whether nobody takes the other side: limit-down for a sale, limit-up for a purchase."""
    if side == Side.BUY:
        return day.limit_up is not None and price >= day.limit_up
    return day.limit_down is not None and price <= day.limit_down


def within_limits(price: Decimal, day: InstrumentDay) -> Decimal:
    """The price, no further than the day's limits."""
    if day.limit_up is not None:
        price = min(price, day.limit_up)
    return price if day.limit_down is None else max(price, day.limit_down)


def is_trading(clock: MarketClock) -> bool:
    """Whether instruments trade continuously: no auction, no lunch, and a clock that can be trusted."""
    same_day = clock.market_time.date() == clock.trade_date
    return not clock.stale and same_day and clock.phase is Phase.CONTINUOUS


def trading_seconds(since: datetime, clock: MarketClock, now: datetime) -> float:
    """Seconds of continuous trading between a moment of the wall clock and now; lunch does not count.

    Of an earlier trade date only what lies in the present one counts.
    """
    end = clock.market_time
    start = end - (now - since)
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
    first = max(timedelta(0), start - midnight).total_seconds()
    last = (end - midnight).total_seconds()
    return sum(max(0.0, min(last, closes) - max(first, opens)) for opens, closes in _CONTINUOUS)


def day_is_over(clock: MarketClock) -> bool:
    """Whether the trade date takes no more orders."""
    if clock.stale:
        return False
    if clock.market_time.date() != clock.trade_date:
        return clock.market_time.date() > clock.trade_date
    return phase_at(clock.market_time.time()) in (Phase.AFTER_HOURS, Phase.CLOSED) and clock.market_time.hour >= 15
