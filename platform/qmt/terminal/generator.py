"""Seeded day bars: a price chain per instrument, one trading day after the other.

Each day is a pure function of (seed, symbol, date) and the previous close. Returns mix one common market factor with the instrument's
own noise and are pulled gently towards a base price, so that a terminal that runs for years keeps looking like the market it began as.
Raw prices, in thousandths of a yuan, on the tick and within the day's price limits.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qmt.calendar import TradingCalendar
from qmt.codes import Board, Kind
from qmt.money import divide_half_up
from qmt.rules import PriceLimits, closing_auction_since, first_days_row, price_limits
from qmt.terminal.chance import Floats, day_keys, key_of, normals, uniforms
from qmt.terminal.paths import Ints
from qmt.terminal.series import DaySeries
from qmt.terminal.types import CorporateAction, DayFacts, Instrument

SCALE = 1000
_PULL = 0.004  # share of the distance to the base price that a day takes back
_EVENT_LIMIT = 0.012  # chance of a day that closes at a price limit, for eventful instruments
_EVENT_HALT = 0.004  # chance that a suspension begins
_HALT_DAYS = 6
_LISTING_WINDOW = 12  # trading days after the listing for which its number matters


@dataclass(frozen=True, slots=True)
class Profile:
    """How an instrument behaves.

    ``start`` is the first generated day and ``start_close_milli`` the close before it (the issue price of a new listing).
    """

    instrument: Instrument
    start: dt.date
    start_close_milli: int
    base_milli: int
    volatility: float
    """Daily deviation of the logarithm."""
    typical_lots: int
    beta: float = 0.6
    """Share of the common market factor in the deviation."""
    is_st: bool = False
    is_wide_fund: bool = False
    is_eventful: bool = False
    """Closes at price limits and gets suspended now and then."""
    is_halted: bool = False
    """Suspended for good."""
    actions: Callable[[TradingCalendar, int], Sequence[CorporateAction]] | None = None
    """Corporate actions of a calendar year."""


@dataclass(slots=True)
class _Draws:
    """Random numbers of a stretch of days."""

    ret: list[float]
    market: list[float]
    event: list[float]
    halt: list[float]
    halt_length: list[float]
    shape: Floats


@dataclass(slots=True)
class _Days:
    """Growing columns of a stretch."""

    open: list[int] = field(default_factory=list)
    high: list[int] = field(default_factory=list)
    low: list[int] = field(default_factory=list)
    close: list[int] = field(default_factory=list)
    reference: list[int] = field(default_factory=list)
    lots: list[int] = field(default_factory=list)
    suspended: list[bool] = field(default_factory=list)


class Chain:
    """The growing series of one instrument.

    Parameters
    ----------
    seed
        Of the whole market.
    profile
        How the instrument behaves.
    calendar
        Trading days.
    """

    def __init__(self, seed: int, profile: Profile, calendar: TradingCalendar) -> None:
        self.profile = profile
        self._calendar = calendar
        self._key = key_of(seed, profile.instrument.symbol)
        self._market_key = key_of(seed, "market")
        self._actions: dict[dt.date, CorporateAction] = {}
        self._action_years: set[int] = set()
        self._close = profile.start_close_milli
        self._halted_days = 0
        self._limits: dict[int, PriceLimits | None] = {}
        self._series: DaySeries | None = None

    @property
    def last_day(self) -> dt.date | None:
        """Last day generated so far."""
        if self._series is None or not len(self._series):
            return None
        return dt.date.fromordinal(int(self._series.ordinals[-1]))

    def through(self, day: dt.date) -> DaySeries:
        """The series from its start to a day (or further, when it was asked for more before)."""
        first = self.profile.start
        if self._series is not None and len(self._series):
            first = dt.date.fromordinal(int(self._series.ordinals[-1]) + 1)
        if self._series is None or first <= day:
            later = self._grow(self._calendar.between(first, day))
            self._series = later if self._series is None else self._series.joined(later)
        return self._series

    def actions(self, start: dt.date, end: dt.date) -> list[CorporateAction]:
        """Corporate actions with an ex-date in [start, end], oldest first."""
        for year in range(start.year, end.year + 1):
            self._load_actions(year)
        since = self.profile.start
        found = [action for day, action in self._actions.items() if start <= day <= end and day > since]
        return sorted(found, key=lambda action: action.ex_date)

    def facts(self, day: dt.date) -> DayFacts | None:
        """Reference price, limits and suspension of a day; None before the listing."""
        series = self.through(day)
        at = series.position(day)
        if at is None:
            return None
        limits = self._limits[day.toordinal()]
        return DayFacts(
            symbol=self.profile.instrument.symbol,
            trade_date=day,
            name=self._name_on(day),
            pre_close_milli=int(series.reference[at]),
            limit_up_milli=limits.up_milli if limits else None,
            limit_down_milli=limits.down_milli if limits else None,
            suspended=bool(series.suspended[at]),
            is_st=self.profile.is_st,
        )

    def _name_on(self, day: dt.date) -> str:
        """Name with the day's prefix (SSE 交易规则 2023 5.2)."""
        name = self.profile.instrument.name
        number = self.listing_day(day)
        row = first_days_row(self.profile.instrument.board, self.profile.instrument.list_date)
        if number == 1 and self.profile.instrument.kind is Kind.STOCK:
            return "N" + name
        if number is not None and row is not None and number <= row.days:
            return "C" + name
        self._load_actions(day.year)
        action = self._actions.get(day)
        if action is None or day <= self.profile.start:
            return name
        shares = action.bonus + action.gift + action.allot_ratio > 0
        return ("DR" if action.cash and shares else "XR" if shares else "XD") + name

    def listing_day(self, day: dt.date) -> int | None:
        """Number of the trading day since the listing (1 = first), None when that is long ago."""
        listed = self.profile.instrument.list_date
        if (day - listed).days > 3 * _LISTING_WINDOW:
            return None
        number = len(self._calendar.between(listed, day))
        return number if 0 < number <= _LISTING_WINDOW else None

    def _load_actions(self, year: int) -> None:
        if year in self._action_years or self.profile.actions is None:
            return
        self._action_years.add(year)
        for action in self.profile.actions(self._calendar, year):
            self._actions[action.ex_date] = action

    def _grow(self, days: Sequence[dt.date]) -> DaySeries:
        instrument = self.profile.instrument
        ordinals = np.array([day.toordinal() for day in days], np.int64)
        keys = day_keys(self._key, ordinals)
        draws = self._draw(ordinals)
        columns = _Days()
        for at, day in enumerate(days):
            self._load_actions(day.year)
            self._one_day(at, day, draws, columns)
        return DaySeries(
            scale=SCALE,
            volume_unit=instrument.volume_unit,
            ordinals=ordinals,
            open=_array(columns.open),
            high=_array(columns.high),
            low=_array(columns.low),
            close=_array(columns.close),
            reference=_array(columns.reference),
            lots=_array(columns.lots),
            suspended=np.array(columns.suspended, np.bool_),
            step=np.full(len(days), instrument.tick_milli, np.int64),
            keys=keys,
            closing_auction=closing_flags(instrument, ordinals),
        )

    def _draw(self, ordinals: Ints) -> _Draws:
        keys = day_keys(self._key, ordinals)
        chances = uniforms(keys, 3, 21)
        return _Draws(
            ret=normals(keys, 1, 22)[:, 0].tolist(),
            market=normals(day_keys(self._market_key, ordinals), 1, 23)[:, 0].tolist(),
            event=chances[:, 0].tolist(),
            halt=chances[:, 1].tolist(),
            halt_length=chances[:, 2].tolist(),
            shape=normals(keys, 4, 24),
        )

    def _one_day(self, at: int, day: dt.date, draws: _Draws, columns: _Days) -> None:
        profile = self.profile
        reference = self._reference(day)
        limits = self._limits_on(day, reference)
        self._limits[day.toordinal()] = limits
        columns.reference.append(reference)
        if self._is_halted(draws.halt[at], draws.halt_length[at]):
            for column in (columns.open, columns.high, columns.low, columns.close):
                column.append(reference)
            columns.lots.append(0)
            columns.suspended.append(True)
            self._close = reference
            return
        move = self._return(day, reference, draws, at)
        close = self._on_tick(reference * math.exp(move), limits)
        one_price = False
        if profile.is_eventful and limits is not None and draws.event[at] < _EVENT_LIMIT:
            close = limits.up_milli if draws.event[at] < _EVENT_LIMIT * 0.6 else limits.down_milli
            one_price = draws.event[at] % 0.003 < 0.001
        gap, up, down, crowd = draws.shape[at].tolist()
        deviation = profile.volatility
        open_ = close if one_price else self._on_tick(reference * math.exp(gap * deviation * 0.35), limits)
        high = low = open_
        if not one_price:
            high = self._on_tick(max(open_, close) * (1 + abs(up) * deviation * 0.45), limits)
            low = self._on_tick(min(open_, close) * (1 - abs(down) * deviation * 0.45), limits)
            high, low = max(high, open_, close), min(low, open_, close)
        busy = math.exp(0.35 * crowd + min(6.0 * abs(move), 1.2))
        columns.open.append(open_)
        columns.high.append(high)
        columns.low.append(low)
        columns.close.append(close)
        columns.lots.append(max(int(profile.typical_lots * busy * (0.3 if one_price else 1.0)), 200))
        columns.suspended.append(False)
        self._close = close

    def _return(self, day: dt.date, reference: int, draws: _Draws, at: int) -> float:
        profile = self.profile
        mixed = profile.beta * draws.market[at] + math.sqrt(1 - profile.beta**2) * draws.ret[at]
        number = self.listing_day(day)
        row = first_days_row(profile.instrument.board, profile.instrument.list_date) if number is not None else None
        if number == 1 and row is not None:
            return min(abs(draws.ret[at]) * 0.35 + 0.15, 1.2)
        wild = 2.5 if number is not None and row is not None and number <= row.days else 1.0
        pull = _PULL * math.log(profile.base_milli / reference)
        return mixed * profile.volatility * wild + pull

    def _is_halted(self, chance: float, length: float) -> bool:
        if self.profile.is_halted:
            return True
        if self._halted_days > 0:
            self._halted_days -= 1
            return True
        if self.profile.is_eventful and chance < _EVENT_HALT:
            self._halted_days = int(length * _HALT_DAYS)
            return True
        return False

    def _reference(self, day: dt.date) -> int:
        action = self._actions.get(day)
        if action is None or day <= self.profile.start:
            return self._close
        return ex_reference(self._close, action, self.profile.instrument.tick_milli)

    def _limits_on(self, day: dt.date, reference: int) -> PriceLimits | None:
        instrument = self.profile.instrument
        if instrument.board is Board.INDEX:
            return None
        return price_limits(
            reference,
            board=instrument.board,
            day=day,
            tick_milli=instrument.tick_milli,
            is_st=self.profile.is_st,
            is_wide_fund=self.profile.is_wide_fund,
            list_date=instrument.list_date,
            listing_day=self.listing_day(day),
        )

    def _on_tick(self, price: float, limits: PriceLimits | None) -> int:
        step = self.profile.instrument.tick_milli
        milli = max(round(price / step) * step, step)
        return milli if limits is None else min(max(milli, limits.down_milli), limits.up_milli)


def ex_reference(close_milli: int, action: CorporateAction, tick_milli: int) -> int:
    """Ex-rights reference price (除权除息参考价), rounded half-up to the tick.

    (previous close − cash + allotment price × ratio) / (1 + new shares per share), SSE 交易规则 2023 4.3.2.
    """
    numerator = close_milli - action.cash * 1000 + action.allot_price * 1000 * action.allot_ratio
    exact = numerator / (1 + action.bonus + action.gift + action.allot_ratio)
    return max(divide_half_up(int(exact * 1_000_000), tick_milli * 1_000_000) * tick_milli, tick_milli)


def closing_flags(instrument: Instrument, ordinals: Ints) -> npt.NDArray[np.bool_]:
    """Which days end with a closing auction for the instrument."""
    since = closing_auction_since(instrument.market, instrument.board)
    flags: npt.NDArray[np.bool_] = ordinals >= (since.toordinal() if since is not None else dt.date.max.toordinal())
    return flags


def _array(values: list[int]) -> Ints:
    return np.array(values, np.int64)
