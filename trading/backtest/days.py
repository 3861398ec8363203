"""What holds for one instrument on one trade date of the past: reference price, limits, suspension, ex-rights terms.

The rules are the exchange core's own dated tables (`qmt.rules`); the facts they need come from the stored daily bars.
"""

from __future__ import annotations

import bisect
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from marketdata.quotes.periods import day_date
from marketdata.services.adjust import ExEvent
from qmt.calendar import TradingCalendar
from qmt.money import divide_half_up
from qmt.rules import PriceLimits, price_limits, tick_milli
from qmt.terminal.types import CorporateAction, DayFacts
from trading.backtest.tape import Series

# Longer ago than this after the listing no rule of the first days can hold: five trading days never take thirty.
_FIRST_DAYS = 30
# Factors are stored as floats; per share no event has more decimals.
_PER_SHARE = Decimal("0.000001")


class DayBook:
    """Facts of one instrument, day by day.

    Parameters
    ----------
    series
        Its bars and ex-dates.
    calendar
        Counts the trading days since the listing.
    is_raw
        Prices are as they were quoted. Of a front-adjusted history nobody knows what the limits were, and its ex-dates are
        in its prices already: it has neither.
    """

    def __init__(self, series: Series, calendar: TradingCalendar, *, is_raw: bool) -> None:
        self.series, self._calendar, self._raw = series, calendar, is_raw
        self._events = {event.day: event for event in series.events} if is_raw else {}
        self._known: dict[int, DayFacts] = {}
        self._ticks: dict[int, int] = {}

    def tick(self, day: int) -> int:
        """Price step in thousandths of a yuan."""
        found = self._ticks.get(day)
        if found is None:
            found = self._ticks[day] = tick_milli(self.series.instrument.board, day_date(day))
        return found

    def facts(self, day: int) -> DayFacts | None:
        """Facts of a day number; None when the instrument has no price up to it."""
        if day not in self._known:
            made = self._facts(day)
            if made is None:
                return None
            self._known[day] = made
        return self._known[day]

    def worst_buy(self, day: int) -> int | None:
        """What a share may cost at most on a day, to set money aside by; None when nothing bounds it.

        Of a front-adjusted history nobody knows the limits that were. Where its prices are, the same percentages bound them
        nearly enough for this.
        """
        facts = self.facts(day)
        if facts is None or self._raw:
            return None if facts is None else facts.limit_up_milli
        limits = self._limits(facts.pre_close_milli, day, is_st=facts.is_st)
        return None if limits is None else limits.up_milli

    def action(self, day: int) -> CorporateAction | None:
        """Ex-rights terms of a day; None on every other one."""
        event = self._events.get(day)
        return None if event is None else _action(self.series.symbol, event)

    def carried(self, price: int, since: int, day: int) -> int:
        """What a price of an earlier day is worth on a day, through the ex-dates between them; thousandths of a yuan."""
        for event in self._events.values():
            if since < event.day <= day:
                price = ex_rights_milli(price, event, self.tick(day))
        return price

    def _facts(self, day: int) -> DayFacts | None:
        instrument, rows = self.series.instrument, self.series.daily
        at = int(np.searchsorted(rows.days, day))
        has_row = at < len(rows.days) and int(rows.days[at]) == day
        reference = self._reference(at, day, has_row=has_row)
        if reference is None:
            return None
        is_st = self._is_st(day)
        limits = self._limits(reference, day, is_st=is_st) if self._raw else None
        return DayFacts(
            symbol=instrument.symbol,
            trade_date=day_date(day),
            name=instrument.name,
            pre_close_milli=reference,
            limit_up_milli=limits.up_milli if limits else None,
            limit_down_milli=limits.down_milli if limits else None,
            suspended=not (has_row and int(rows.volume[at]) > 0),
            is_st=is_st,
        )

    def _reference(self, at: int, day: int, *, has_row: bool) -> int | None:
        """Reference price: what the source says, else the last close through the ex-dates since then."""
        rows, tick = self.series.daily, self.tick(day)
        if has_row and (told := float(rows.reference[at])) > 0:
            return rounded_milli(told, tick)
        if at == 0:
            return None
        return self.carried(rounded_milli(float(rows.close[at - 1]), tick), int(rows.days[at - 1]), day)

    def _limits(self, reference: int, day: int, *, is_st: bool) -> PriceLimits | None:
        instrument, date_ = self.series.instrument, day_date(day)
        return price_limits(
            reference,
            board=instrument.board,
            day=date_,
            tick_milli=self.tick(day),
            is_st=is_st,
            list_date=instrument.list_date,
            listing_day=self._listing_day(date_),
        )

    def _is_st(self, day: int) -> bool:
        at = bisect.bisect_right([first for first, _ in self.series.st_days], day) - 1
        return at >= 0 and self.series.st_days[at][1]

    def _listing_day(self, day: date) -> int | None:
        """Number of the trading day since the listing (1 = first); None when that is long ago."""
        listed = self.series.instrument.list_date
        if (day - listed).days > _FIRST_DAYS:
            return None
        return len(self._calendar.between(listed, day)) or None


def rounded_milli(price: float, tick: int) -> int:
    """Thousandths of a yuan on the tick, half-up: what is stored as a float was quoted on it."""
    return divide_half_up(round(price * 10_000), tick * 10) * tick


def ex_rights_milli(price: int, event: ExEvent, tick: int) -> int:
    """A price as it is worth after an ex-date: ``(p − cash + allotment price × ratio) / growth``, half-up to the tick."""
    worth = (Decimal(price) - 1000 * Decimal(str(event.payout))) / Decimal(str(event.growth)) / tick
    return max(int(worth.quantize(Decimal(1), ROUND_HALF_UP)) * tick, tick)


def _action(symbol: str, event: ExEvent) -> CorporateAction:
    def exact(value: float) -> Decimal:
        return Decimal(str(value)).quantize(_PER_SHARE)

    return CorporateAction(
        symbol=symbol,
        ex_date=day_date(event.day),
        cash=exact(event.interest),
        bonus=exact(event.stock_bonus),
        gift=exact(event.stock_gift),
        allot_ratio=exact(event.allot_num),
        allot_price=exact(event.allot_price),
    )
