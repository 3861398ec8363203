"""All positions of a host against one batch of quotes: float64 screens with a margin, exact arithmetic for what passes.

Prices in messages are floats that spell decimals (a tick has at most three), so their shortest text is the price itself and
comparing two of them is exact. Levels are products, and a float product is not the level: what lies within `MARGIN` of one is
handed to `rules`, which decides. Nothing else is computed twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from qmt.calendar import TIMETABLE, Phase, to_ms
from qmt.rules import LotRow
from trading.signals import rules
from trading.signals.choices import SignalKind
from trading.signals.inforce import PlanInForce
from trading.signals.rules import EXITS, Condition, Figures

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MARGIN: Final = 1e-9
"""Relative; float64 errs by less than 1e-15 per operation."""
MAX_AGE_MS: Final = 10_000
"""A quote that is older, or further ahead of the market clock, decides nothing."""
_NEVER = -1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One position as detection takes it up.

    Attributes
    ----------
    quantity, sellable
        Shares; `sellable` less what open orders of ours have promised.
    latches
        Conditions that were told and still held.
    added_at, seen_at
        Event times (epoch ms) of the last add and the last quote.
    trade_date
        The figures are in the terms of this date; quotes of another one are not taken.
    """

    track_id: int
    account_id: int
    symbol: str
    instrument_id: int
    plan: PlanInForce
    figures: Figures
    quantity: int
    sellable: int
    lots: LotRow
    trade_date: date
    latches: int = 0
    added_at: int = 0
    seen_at: int = 0
    auto_trading: bool = False
    strategy: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something to tell.

    Attributes
    ----------
    figures
        As they are after the price.
    latches
        What is told with it.
    """

    row: Row
    kind: SignalKind
    quantity: int
    price: Decimal
    quote_ts: int
    figures: Figures
    latches: int


@dataclass(frozen=True, slots=True)
class BadHigh:
    """A highest price that cannot be one of this position, and what it was set to."""

    row: Row
    hi: Decimal
    reset_to: Decimal


@dataclass(frozen=True, slots=True)
class Memory:
    """What one row has come to, for its stored row."""

    track_id: int
    trade_date: date
    hi: Decimal
    bh: Decimal | None
    latches: int
    added_at: int
    seen_at: int


@dataclass(slots=True)
class Findings:
    """What one batch led to."""

    hits: list[Hit] = field(default_factory=list)
    bad: list[BadHigh] = field(default_factory=list)


def exact(value: float) -> Decimal:
    """The decimal that a price in a message spells."""
    return Decimal(repr(float(value)))


class Screen:
    """The positions of one host. One thread feeds it; callers serialise access.

    Parameters
    ----------
    rows
        Positions whose plan is on and whose figures are in the terms of one trade date.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)
        self.by_track = {row.track_id: at for at, row in enumerate(self.rows)}
        self._index: dict[str, list[int]] = {}
        for at, row in enumerate(self.rows):
            self._index.setdefault(row.symbol, []).append(at)
        self._open = _continuous(self.rows[0].trade_date) if self.rows else ()
        self._fixed_levels()
        self.hi = np.array([float(row.figures.hi) for row in self.rows])
        self.armed = np.array([row.figures.bh is not None for row in self.rows], dtype=np.bool_)
        self.bh = np.array([0.0 if row.figures.bh is None else float(row.figures.bh) for row in self.rows])
        self.latches = np.array([row.latches for row in self.rows], dtype=np.int64)
        self.added_at = np.array([row.added_at for row in self.rows], dtype=np.int64)
        self.seen_at = np.array([row.seen_at for row in self.rows], dtype=np.int64)
        self.dirty = np.zeros(len(self.rows), dtype=np.bool_)

    def _fixed_levels(self) -> None:
        """Levels that quotes do not move; `_NEVER` and infinity where a rule is off."""
        rows = self.rows

        def levels(value: Any) -> FloatArray:
            return np.array([value(row) for row in rows], dtype=np.float64)

        self._cost = levels(lambda row: float(row.figures.cost))
        self._stop = levels(
            lambda row: (
                float(rules.stop_level(row.plan.terms, row.figures.cost)) if row.plan.terms.stop_loss else _NEVER
            )
        )
        self._arm = levels(
            lambda row: (
                float(rules.arm_level(row.plan.terms, row.figures.cost))
                if row.plan.terms.first_take_profit and not row.figures.first_done
                else np.inf
            )
        )
        self._disarm = levels(lambda row: float(rules.disarm_level(row.plan.terms, row.figures.cost)))
        self._fire = levels(lambda row: float(1 - row.plan.terms.first_callback))
        self._trails = np.array([row.plan.terms.trailing and row.figures.first_done for row in rows], dtype=np.bool_)
        self._floor = levels(lambda row: float(row.figures.cost * (1 - row.plan.terms.trailing_floor_drop)))
        adding = [row.plan.terms.add and not row.figures.first_done for row in rows]
        self._add_top = levels(lambda row: float(row.figures.cost * (1 - row.plan.terms.add_drop_from)))
        self._add_top[~np.array(adding, dtype=np.bool_)] = _NEVER
        self._add_bottom = levels(lambda row: float(row.figures.cost * (1 - row.plan.terms.add_drop_to)))
        self._cooldown = np.array([row.plan.terms.add_cooldown_seconds * 1000 for row in rows], dtype=np.int64)
        most = max((len(row.plan.terms.trailing_steps) for row in rows), default=1)
        self._gains = np.full((len(rows), most), np.inf)
        self._factors = np.zeros((len(rows), most))
        for at, row in enumerate(rows):
            for step, (gain, factor) in enumerate(row.plan.terms.trailing_steps):
                self._gains[at, step], self._factors[at, step] = float(gain), float(factor)

    # ------------------------------------------------------------------------ quotes
    def take(self, quotes: Mapping[str, Mapping[str, Any]], market_now_ms: int) -> Findings:
        """Take in one message's quotes; those that are stale, out of trading time or without a price are left out."""
        at: list[int] = []
        prices: list[float] = []
        stamps: list[int] = []
        find = self._index.get
        for symbol, quote in quotes.items():
            found = find(symbol)
            if found is None:
                continue
            ts, last = quote["ts"], quote["last"]
            for position in found:
                at.append(position)
                prices.append(last)
                stamps.append(ts)
        if not at:
            return Findings()
        rows, last_prices, ts_ms = np.array(at), np.array(prices, dtype=np.float64), np.array(stamps, dtype=np.int64)
        usable = (last_prices > 0) & (np.abs(market_now_ms - ts_ms) <= MAX_AGE_MS) & self.is_trading(ts_ms)
        return self.feed(rows[usable], last_prices[usable], ts_ms[usable])

    def is_trading(self, stamps: IntArray) -> BoolArray:
        """Which event times lie in continuous trading of the screen's date: no auction, no lunch, no other day."""
        found: BoolArray = np.zeros(len(stamps), dtype=np.bool_)
        for start, end in self._open:
            found |= (stamps >= start) & (stamps < end)
        return found

    def feed(self, at: IntArray, prices: FloatArray, stamps: IntArray) -> Findings:
        """Take in one price for each of some rows.

        Parameters
        ----------
        at, prices, stamps
            Row numbers (each at most once), prices in CNY and event times in epoch ms, shape (n,). A quote that is older
            than the row's last one is left out.
        """
        current = stamps >= self.seen_at[at]
        if not current.all():
            at, prices, stamps = at[current], prices[current], stamps[current]
        self.seen_at[at] = stamps
        self._raise_highs(at, prices)
        findings = Findings()
        for chosen in np.flatnonzero(self._candidates(at, prices, stamps)).tolist():
            self._decide(int(at[chosen]), exact(prices[chosen]), int(stamps[chosen]), findings)
        return findings

    def _raise_highs(self, at: IntArray, prices: FloatArray) -> None:
        higher = prices > self.hi[at]
        rose = at[higher]
        self.hi[rose] = prices[higher]
        self.dirty[rose] = True
        higher = self.armed[at] & (prices > self.bh[at])
        rose = at[higher]
        self.bh[rose] = prices[higher]
        self.dirty[rose] = True

    def _candidates(self, at: IntArray, p: FloatArray, stamps: IntArray) -> BoolArray:
        """Rows that exact arithmetic has to look at."""
        above, below = 1 + MARGIN, 1 - MARGIN
        cost, hi, armed, told = self._cost[at], self.hi[at], self.armed[at], self.latches[at]
        stop, disarm, fire = self._stop[at], self._disarm[at], self.bh[at] * self._fire[at]
        most, least = self._trailing(at, hi, cost)
        may = (
            (p <= stop * above) * Condition.STOP_LOSS.value
            | (armed & (p <= fire * above) & (p >= disarm * below)) * Condition.FIRST_TAKE_PROFIT.value
            | (p <= most * above) * Condition.TRAILING.value
        )
        sure = (
            (p < stop * below) * Condition.STOP_LOSS.value
            | (armed & (p < fire * below) & (p > disarm * above)) * Condition.FIRST_TAKE_PROFIT.value
            | (p < least * below) * Condition.TRAILING.value
        )
        news = (may != sure) | ((may & ~told) != 0) | ((told & ~may) != 0)
        arming = (~armed & (p >= self._arm[at] * below)) | (armed & (p < disarm * above))
        adding = (p <= self._add_top[at] * above) & (p >= self._add_bottom[at] * below)
        adding &= stamps - self.added_at[at] >= self._cooldown[at]
        bad = (hi > cost * float(rules.MOST_HI) * below) | (hi < cost * float(rules.LEAST_HI) * above)
        found: BoolArray = news | arming | adding | bad
        return found

    def _trailing(self, at: IntArray, hi: FloatArray, cost: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The highest and lowest trailing level that the float gain leaves possible; `_NEVER` where the rule is off."""
        gain = hi / cost - 1
        slack = MARGIN * (1 + np.abs(gain))
        levels = [self._level(at, hi, gain + side * slack) for side in (1, -1)]
        trails = self._trails[at]
        most = np.where(trails, np.maximum(*levels), _NEVER)
        least = np.where(trails, np.minimum(*levels), _NEVER)
        return most, least

    def _level(self, at: IntArray, hi: FloatArray, gain: FloatArray) -> FloatArray:
        step = (gain[:, None] >= self._gains[at]).sum(axis=1)
        factor = self._factors[at, np.maximum(step - 1, 0)]
        level: FloatArray = np.where(step == 0, self._floor[at], hi * factor)
        return level

    # ----------------------------------------------------------------------- deciding
    def _decide(self, at: int, price: Decimal, ts: int, findings: Findings) -> None:
        row = self.rows[at]
        terms, before = row.plan.terms, self.figures(at)
        if rules.hi_is_bad(before):
            before = self._reset_high(at, before, price, findings)
        after, holds = rules.moved(terms, before, price)
        self._note(at, after)
        told: int = int(self.latches[at]) & int(holds)
        bit, kind = next(((bit, kind) for bit, kind in EXITS if holds & bit), (Condition.NONE, None))
        if kind is not None and told & bit:
            told = int(holds)
        elif kind is not None:
            quantity = rules.exit_quantity(terms, kind, row.sellable, row.lots)
            if quantity > 0:
                told = int(holds)
                findings.hits.append(Hit(row, kind, quantity, price, ts, after, told))
        if told != self.latches[at]:
            self.latches[at], self.dirty[at] = told, True
        self._add(at, price, ts, after, findings)

    def _add(self, at: int, price: Decimal, ts: int, after: Figures, findings: Findings) -> None:
        row = self.rows[at]
        if not rules.adds(row.plan.terms, after, price) or ts - self.added_at[at] < self._cooldown[at]:
            return
        quantity = rules.add_quantity(row.plan.terms, row.quantity, price, row.lots)
        if quantity > 0:
            self.added_at[at], self.dirty[at] = ts, True
            findings.hits.append(Hit(row, SignalKind.ADD, quantity, price, ts, after, int(self.latches[at])))

    def _reset_high(self, at: int, before: Figures, price: Decimal, findings: Findings) -> Figures:
        reset = max(before.cost, price)
        if reset != before.hi:
            findings.bad.append(BadHigh(self.rows[at], before.hi, reset))
            self.hi[at], self.dirty[at] = float(reset), True
        return Figures(before.cost, reset, before.bh, before.first_done)

    def _note(self, at: int, after: Figures) -> None:
        armed = after.bh is not None
        if armed != self.armed[at]:
            self.armed[at], self.dirty[at] = armed, True
            self.bh[at] = 0.0 if after.bh is None else float(after.bh)

    # ------------------------------------------------------------------------- memory
    def figures(self, at: int) -> Figures:
        """What is remembered about one row, exactly."""
        fixed = self.rows[at].figures
        return Figures(
            cost=fixed.cost,
            hi=exact(self.hi[at]),
            bh=exact(self.bh[at]) if self.armed[at] else None,
            first_done=fixed.first_done,
        )

    def changed(self) -> list[Memory]:
        """What changed since the last call, for the stored rows."""
        at = np.flatnonzero(self.dirty)
        self.dirty[at] = False
        return [self._memory(position) for position in at.tolist()]

    def _memory(self, at: int) -> Memory:
        row, figures = self.rows[at], self.figures(at)
        return Memory(
            track_id=row.track_id,
            trade_date=row.trade_date,
            hi=figures.hi,
            bh=figures.bh,
            latches=int(self.latches[at]),
            added_at=int(self.added_at[at]),
            seen_at=int(self.seen_at[at]),
        )

    def keep_unstored(self, memories: Sequence[Memory]) -> None:
        """These could not be stored: give them out again."""
        for memory in memories:
            at = self.by_track.get(memory.track_id)
            if at is not None:
                self.dirty[at] = True

    def inherit(self, older: Screen) -> None:
        """Carry over what quotes have led to since these rows were read. Figures of another trade date are in other terms."""
        for at, row in enumerate(self.rows):
            before = older.by_track.get(row.track_id)
            if before is None or older.rows[before].trade_date != row.trade_date:
                continue
            self.hi[at] = max(self.hi[at], older.hi[before])
            self.seen_at[at] = max(self.seen_at[at], older.seen_at[before])
            self.added_at[at] = max(self.added_at[at], older.added_at[before])
            self.latches[at] = older.latches[before]
            self.dirty[at] = older.dirty[before]
            if not row.figures.first_done:
                self.armed[at], self.bh[at] = older.armed[before], older.bh[before]

    def told(self) -> list[Row]:
        """Rows with conditions that were told, with these conditions."""
        at = np.flatnonzero(self.latches)
        return [replace(self.rows[position], latches=int(self.latches[position])) for position in at.tolist()]

    def forget(self, conditions: Mapping[int, int]) -> None:
        """Tell these conditions once more although they never ceased to hold; track to bits."""
        for track_id, bits in conditions.items():
            at = self.by_track.get(track_id)
            if at is not None:
                self.latches[at] &= ~bits
                self.dirty[at] = True


def _continuous(day: date) -> tuple[tuple[int, int], ...]:
    """Continuous trading of a date, as ranges of event time: first included, last not."""
    ends = [start for start, _phase in TIMETABLE[1:]]
    return tuple(
        (to_ms(day, start), to_ms(day, end))
        for (start, phase), end in zip(TIMETABLE, ends, strict=False)
        if phase is Phase.CONTINUOUS
    )
