"""What the seeded and the replayed market share: series in, bars, ticks, snapshots and tapes out."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qmt.calendar import DAY_MS, TradingCalendar, date_of_ms, midnight_ms
from qmt.reference import FinancialTable
from qmt.terminal.generator import Chain, Profile
from qmt.terminal.market import BarArray, Basis
from qmt.terminal.paths import SLOTS_PER_MINUTE, DayBars, Ints
from qmt.terminal.series import DaySeries, daily_bars, day_cents, five_minute_bars, minute_bars
from qmt.terminal.tape import Tape, TapeRow
from qmt.terminal.types import BAR_DTYPE, FACTOR_DTYPE, TICK_DTYPE, CorporateAction, DayFacts, Instrument, Tick

PERIODS = ("1d", "5m", "1m")
_TAPES_KEPT = 2
_UNKNOWN = -1


class PathMarket(ABC):
    """A market made of day series.

    Parameters
    ----------
    profiles
        Instruments with their behaviour on generated days, in the market's order.
    seed
        Of the generated days.
    calendar
        Trading days.
    """

    def __init__(self, profiles: Sequence[Profile], *, seed: int, calendar: TradingCalendar) -> None:
        self._calendar = calendar
        self._chains = {profile.instrument.symbol: Chain(seed, profile, calendar) for profile in profiles}
        self._instruments = tuple(profile.instrument for profile in profiles)
        self._by_symbol = {instrument.symbol: instrument for instrument in self._instruments}
        self._cents: dict[str, Ints] = {}
        self._tapes: OrderedDict[dt.date, Tape] = OrderedDict()

    history_refusal = ""

    @property
    @abstractmethod
    def basis(self) -> Basis:
        """What the history's prices are."""

    @property
    def calendar(self) -> TradingCalendar:
        """The trading days."""
        return self._calendar

    def instruments(self) -> Sequence[Instrument]:
        """Every instrument, in a fixed order."""
        return self._instruments

    def instrument(self, symbol: str) -> Instrument | None:
        """One instrument; None when the market has no such symbol."""
        return self._by_symbol.get(symbol)

    def day_facts(self, symbol: str, day: dt.date) -> DayFacts | None:
        """Reference price, limits, suspension of one date; None when not listed then or unknown."""
        chain = self._chains.get(symbol)
        return chain.facts(day) if chain is not None else None

    def index_weights(self, symbol: str, day: dt.date | None = None) -> Mapping[str, float]:
        """Per cent per constituent; empty for anything but a weighted index."""
        return {}

    def financials(self, symbol: str, table: FinancialTable, until: dt.date) -> Sequence[Mapping[str, Any]]:
        """None: bars tell nothing about statements."""
        return ()

    def bond_facts(self, symbol: str, day: dt.date) -> Mapping[str, Any]:
        """None: bars tell nothing about a bond's terms."""
        return {}

    def basket_records(self, market: str, day: dt.date) -> Sequence[Mapping[str, Any]]:
        """None: bars tell nothing about a fund's basket."""
        return ()

    def new_issues(self, day: dt.date) -> Sequence[Mapping[str, Any]]:
        """None: bars tell nothing about subscriptions."""
        return ()

    def factors(self, symbol: str) -> BarArray:
        """Ex-rights rows (``FACTOR_DTYPE``), oldest first: those up to the last day anybody asked for."""
        chain = self._chains.get(symbol)
        if chain is None or chain.last_day is None:
            return np.empty(0, FACTOR_DTYPE)
        series = chain.through(chain.last_day)
        actions = chain.actions(chain.profile.start, chain.last_day)
        result = np.zeros(len(actions), FACTOR_DTYPE)
        for row, action in zip(result, actions, strict=True):
            at = series.position(action.ex_date)
            if at is None or at == 0:
                continue
            row["time"] = midnight_ms(action.ex_date)
            row["interest"] = float(action.cash)
            row["stockBonus"] = float(action.bonus)
            row["stockGift"] = float(action.gift)
            row["allotNum"] = float(action.allot_ratio)
            row["allotPrice"] = float(action.allot_price)
            row["dr"] = int(series.close[at - 1]) / int(series.reference[at])
        return result[result["time"] > 0]

    def corporate_actions(self, day: dt.date) -> Sequence[CorporateAction]:
        """Actions whose ex-date is ``day``."""
        return [action for chain in self._chains.values() for action in chain.actions(day, day)]

    def bars(self, symbol: str, period: str, start_ms: int, end_ms: int, *, now_ms: int) -> BarArray:
        """Bars of ``1d``, ``5m`` or ``1m`` with start ≤ time ≤ end, as known at ``now_ms``."""
        if period not in PERIODS:
            raise ValueError(f"no bars of period {period!r}: one of {', '.join(PERIODS)}")
        if symbol not in self._by_symbol:
            return np.empty(0, BAR_DTYPE)
        today = date_of_ms(now_ms)
        cutoff = midnight_ms(today) - 1  # closed days end before today
        closed = []
        for series in self._closed_days(symbol, today):
            if period == "1d":
                low, high = series.bounds(start_ms, min(end_ms, cutoff))
                closed.append(daily_bars(series, self._day_cents(symbol, series, low, high), low, high))
            else:
                low, high = series.bounds(start_ms - DAY_MS + 1, min(end_ms, cutoff))  # minutes lie after midnight
                closed.append(minute_bars(series.part(low, high)))
        result = np.concatenate([*closed, self._today(symbol, period, today, now_ms)])
        if period == "5m":
            result = five_minute_bars(result)
        return result[(result["time"] >= start_ms) & (result["time"] <= end_ms)]

    def _closed_days(self, symbol: str, today: dt.date) -> Sequence[DaySeries]:
        """Series that hold the days before ``today`` (and perhaps later ones), oldest first."""
        return (self._chains[symbol].through(today),)

    def _day_cents(self, symbol: str, series: DaySeries, low: int, high: int) -> Ints:
        """Amounts of a series, right in rows ``low`` to ``high``; those that follow from minute paths are worked out once."""
        if series.stated_cents is not None:
            return series.stated_cents
        known = self._cents.get(symbol, np.empty(0, np.int64))
        if len(known) < len(series):
            known = np.concatenate([known, np.full(len(series) - len(known), _UNKNOWN)])
            self._cents[symbol] = known
        missing = low + np.flatnonzero(known[low:high] == _UNKNOWN)
        if len(missing):
            start, stop = int(missing[0]), int(missing[-1]) + 1
            known[start:stop] = day_cents(series.part(start, stop))
        return known

    def _today(self, symbol: str, period: str, today: dt.date, now_ms: int) -> BarArray:
        """Bars of the running day up to now; the last minute, and the day, may be incomplete."""
        if not self._has_tape(today):
            return np.empty(0, BAR_DTYPE)
        tape = self._tape_for(symbol, today)
        position = tape.index.get(symbol)
        if position is None:
            return np.empty(0, BAR_DTYPE)
        slot = tape.slot_at(now_ms)
        series = self._chains[symbol].through(today)
        at = series.position(today)
        if at is None:
            return np.empty(0, BAR_DTYPE)
        if not tape.rows[position].has_bar:
            shown = at + 1 if period == "1d" and slot >= 0 else at
            return daily_bars(series, np.zeros(len(series), np.int64), at, shown)
        if slot < 0:
            return np.empty(0, BAR_DTYPE)
        minutes = _minutes_so_far(minute_bars(series.part(at, at + 1)), tape.tick_array(symbol, now_ms))
        if period != "1d":
            return minutes
        result = np.zeros(1, BAR_DTYPE)
        result["time"] = midnight_ms(today)
        result["open"], result["close"] = minutes["open"][0], minutes["close"][-1]
        result["high"], result["low"] = minutes["high"].max(), minutes["low"].min()
        result["volume"], result["amount"] = minutes["volume"].sum(), round(float(minutes["amount"].sum()), 2)
        result["preClose"] = minutes["preClose"][0]
        result["suspendFlag"] = -1 if at and series.suspended[at - 1] else 0
        return result

    def ticks(self, symbol: str, day: dt.date, *, now_ms: int) -> BarArray:
        """Snapshots (``TICK_DTYPE``) of one day, one every three seconds of trading."""
        if symbol not in self._by_symbol or day > date_of_ms(now_ms) or not self._has_tape(day):
            return np.empty(0, TICK_DTYPE)
        return self._tape_for(symbol, day).tick_array(symbol, now_ms)

    def snapshot(self, symbols: Sequence[str], *, now_ms: int) -> dict[str, Tick]:
        """Latest snapshot per known symbol. Suspended instruments have one too, with their last close."""
        day = date_of_ms(now_ms)
        while not self._has_tape(day):
            previous = self._calendar.previous_day(day)
            if previous is None or (day - previous).days > 30:
                return {}
            day = previous
        return self.tape(day).snapshot(symbols, now_ms)

    def tape(self, day: dt.date) -> Tape:
        """The prepared price path of all instruments for a live day (the exchange matches on it)."""
        if day not in self._tapes:
            self._tapes[day] = self._make_tape(day, [instrument.symbol for instrument in self._instruments])
            while len(self._tapes) > _TAPES_KEPT:
                self._tapes.popitem(last=False)
        return self._tapes[day]

    def _tape_for(self, symbol: str, day: dt.date) -> Tape:
        """A tape that has one symbol: the live day's when it is at hand, else one made for the purpose."""
        return self._tapes[day] if day in self._tapes else self._make_tape(day, [symbol])

    def _has_tape(self, day: dt.date) -> bool:
        """Whether generated prices exist for a date."""
        return self._calendar.is_trading_day(day)

    def _make_tape(self, day: dt.date, symbols: Sequence[str]) -> Tape:
        rows: list[TapeRow] = []
        parts: list[DaySeries] = []
        typical: list[int] = []
        for symbol in symbols:
            chain = self._chains[symbol]
            facts = chain.facts(day)
            if facts is None:
                continue  # not listed yet
            series = chain.through(day)
            at = series.position(day)
            if at is None:
                continue
            rows.append(TapeRow(chain.profile.instrument, facts, has_bar=not facts.suspended))
            parts.append(series.part(at, at + 1))
            typical.append(chain.profile.typical_lots)
        return Tape(day, rows, _stacked(parts), np.array(typical, np.int64), _column(parts, "reference"))


def _column(parts: Sequence[DaySeries], name: str) -> Ints:
    return np.array([getattr(part, name)[0] for part in parts], np.int64)


def _stacked(parts: Sequence[DaySeries]) -> DayBars:
    """One day of many instruments as one batch."""
    return DayBars(
        open=_column(parts, "open"),
        high=_column(parts, "high"),
        low=_column(parts, "low"),
        close=_column(parts, "close"),
        lots=_column(parts, "lots"),
        step=_column(parts, "step"),
        keys=np.array([part.keys[0] for part in parts], np.uint64),
        closing_auction=np.array([part.closing_auction[0] for part in parts], np.bool_),
    )


def _minutes_so_far(minutes: BarArray, ticks: BarArray) -> BarArray:
    """Cut a day's minutes where the ticks end; the last one shows what its ticks have shown so far."""
    last_stamp = int(ticks["time"][-1])
    stamps = minutes["time"]
    complete = minutes[stamps <= last_stamp].copy()
    if len(ticks) == 1 or len(complete) == len(minutes):
        return minutes[: max(len(complete), 1)].copy()  # only the auction, or the whole day
    inside = ticks[(len(complete) - 1) * SLOTS_PER_MINUTE + 1 :]
    if not len(inside):
        return complete
    before = ticks[(len(complete) - 1) * SLOTS_PER_MINUTE]
    traded = inside[np.diff(inside["pvolume"], prepend=before["pvolume"]) > 0]["lastPrice"]
    current = minutes[len(complete) : len(complete) + 1].copy()
    previous_close = complete["close"][-1]
    current["open"] = traded[0] if len(traded) else previous_close
    current["close"] = traded[-1] if len(traded) else previous_close
    current["high"] = traded.max() if len(traded) else previous_close
    current["low"] = traded.min() if len(traded) else previous_close
    current["volume"] = inside["volume"][-1] - before["volume"]
    current["amount"] = round(float(inside["amount"][-1] - before["amount"]), 2)
    return np.concatenate([complete, current])
