"""Ex-rights days: figures brought into the terms of a trade date, once, and the proof that no factor is missing.

Prices are divided by the event's price factor ``dr`` (previous close over ex-rights reference price), shares grow by what a
share brings. The proof: the last close over the factors since must be the previous close that the exchange states for the day.
Without it every dividend would look like a fall.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from marketdata.models import DividendFactor, InstrumentDay, TradingDay
from marketdata.quotes.periods import Period, day_date, day_numbers
from marketdata.quotes.reader import read_bars
from ops.errors import Code
from qmt.calendar import midnight_ms

MICRO: Final = Decimal("0.000001")
#: What an unstated factor may hide at most, as a share of the price: rounding of factors and of the reference price.
TOLERANCE: Final = Decimal("0.001")
TICKS: Final = Decimal("0.02")
_CLOSE_DAYS: Final = 20
CALENDAR_MARKET: Final = "SH"


@dataclass(frozen=True, slots=True)
class Event:
    """One ex-date of an instrument."""

    day: date
    factor: Decimal
    growth: Decimal


@dataclass(frozen=True, slots=True)
class Close:
    """A stored raw close."""

    day: date
    price: Decimal


@dataclass(frozen=True, slots=True)
class ExDates:
    """What is known about the ex-dates of some instruments, up to a trade date.

    Attributes
    ----------
    events
        By instrument, ascending.
    stated
        The exchange's previous close of the trade date, by instrument.
    closes
        The last close before it that is stored, by instrument.
    day_before
        The trading day before it; None without a calendar.
    """

    trade_date: date
    events: Mapping[int, Sequence[Event]]
    stated: Mapping[int, Decimal]
    closes: Mapping[int, Close]
    day_before: date | None

    def since(self, instrument_id: int, day: date) -> list[Event]:
        """Ex-dates after a day, ascending."""
        return [event for event in self.events.get(instrument_id, ()) if event.day > day]

    def refusal(self, instrument_id: int) -> Code | None:
        """Why figures of this instrument cannot be trusted on the trade date; None when they can.

        STALE_LIMITS: the day's facts have not come yet. FACTORS_UNAVAILABLE: the previous close that the exchange states is
        not the last close over the known factors, or a factor is none.
        """
        stated = self.stated.get(instrument_id)
        if stated is None:
            return Code.STALE_LIMITS
        if any(event.factor <= 0 for event in self.events.get(instrument_id, ())):
            return Code.FACTORS_UNAVAILABLE
        close = self.closes.get(instrument_id)
        if close is None or close.day != self.day_before:
            # Nothing to compare with: a fresh database, a hole, or a suspension. The factors decide alone.
            return None
        expected = in_terms_of(close.price, self.since(instrument_id, close.day))
        allowed = max(TICKS, TOLERANCE * stated)
        return None if abs(expected - stated) <= allowed else Code.FACTORS_UNAVAILABLE


def in_terms_of(price: Decimal, events: Iterable[Event]) -> Decimal:
    """A price after the events that follow it."""
    for event in events:
        price /= event.factor
    return price.quantize(MICRO, rounding=ROUND_HALF_EVEN)


def grown(quantity: int, events: Iterable[Event]) -> int:
    """Shares after the events that follow; fractions of a share are lost, as at the depository."""
    for event in events:
        quantity = int(quantity * event.growth)
    return quantity


def exdates(instrument_ids: Iterable[int], trade_date: date, *, first: date, proven: Iterable[int]) -> ExDates:
    """Read what is known about some instruments.

    Parameters
    ----------
    first
        Ex-dates before it are of no interest.
    proven
        Instruments that `ExDates.refusal` will be asked about: their closes and day facts are read too.
    """
    ids = sorted(set(instrument_ids))
    events: dict[int, list[Event]] = defaultdict(list)
    factors = DividendFactor.objects.filter(instrument__in=ids, date__gte=first, date__lte=trade_date)
    for row in factors.order_by("instrument_id", "date"):
        growth = Decimal(1) + _decimal(row.stock_bonus) + _decimal(row.stock_gift)
        events[row.instrument_id].append(Event(row.date, _decimal(row.dr), growth))
    asked = sorted(set(proven))
    days = InstrumentDay.objects.filter(instrument__in=asked, trade_date=trade_date)
    return ExDates(
        trade_date=trade_date,
        events=events,
        stated=dict(days.values_list("instrument_id", "pre_close")),
        closes=_closes(asked, trade_date) if asked else {},
        day_before=_day_before(trade_date),
    )


def _closes(ids: Sequence[int], trade_date: date) -> dict[int, Close]:
    start = midnight_ms(trade_date - timedelta(days=_CLOSE_DAYS))
    bars = read_bars(ids, Period.DAY_1, start, midnight_ms(trade_date) - 1, columns=["close"])
    rows = zip(bars.instrument_id.tolist(), day_numbers(bars.ts).tolist(), bars.values["close"].tolist(), strict=True)
    # In order of time, so the last one stays.
    return {instrument: Close(day_date(day), Decimal(repr(close))) for instrument, day, close in rows}


def _day_before(trade_date: date) -> date | None:
    days = TradingDay.objects.filter(market=CALENDAR_MARKET, date__lt=trade_date)
    return days.order_by("-date").values_list("date", flat=True).first()


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))
