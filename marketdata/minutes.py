"""Minute bars from cumulative snapshots. Pure: no database, no Redis, no clock of its own.

Labels are right edges. One-minute bars follow QMT: 241 a day, 09:30 holds the opening auction, 15:00 the closing one. Longer
bars, and minutes of a source that folds the auction, count it into the first bar (vendors' convention). A snapshot stamped exactly on an edge describes what happened before it, so a minute is
open on the left and closed on the right, and the change of volume and amount since the snapshot
before belongs to the later one.

A bar is *complete* when the stream was whole from before the minute's left edge and the cumulative
volume at that edge was known. Only complete bars are meant to be stored; an incomplete one (the
minute of a start or an interruption) is good for display, and the terminal's own bar fills it later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from marketdata.quotes.periods import DAY_MS, HOUR_MS, MINUTE_MS

_OFFSET_MS = 8 * HOUR_MS  # live data: no summer time since 1991


def _clock(hour: int, minute: int) -> int:
    return hour * HOUR_MS + minute * MINUTE_MS


AUCTION_MATCH = _clock(9, 25)
OPEN = _clock(9, 30)
LUNCH = _clock(11, 30)
AFTERNOON = _clock(13, 0)
CLOSE = _clock(15, 0)
# The closing auction's result may be stamped seconds after 15:00. After-hours fixed-price trades
# start at 15:05; whether QMT counts them in its 15:00 bar is not known, so they are left out and the
# terminal's bar decides after the close.
LAST_SNAPSHOT = _clock(15, 5) - 1

GRACE_MS = 5_000
"""How long after its edge a minute waits for snapshots that are still on their way."""
CLOSING_GRACE_MS = 20_000

_NEVER = 1 << 62

QUANTUM = 3
"""Decimals of a bar's amount: price ticks are thousandths. Differences of large floats carry noise beyond."""


class Snapshot(NamedTuple):
    """What the builder needs of a quote; `volume` (shares) and `amount` (CNY) are the day's so far."""

    symbol: str
    ts: int
    last: float
    high: float
    low: float
    volume: int
    amount: float


@dataclass(frozen=True, slots=True)
class MinuteBar:
    """A bar as it is now; `ts` is the label."""

    symbol: str
    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    amount: float
    complete: bool


@dataclass(slots=True)
class _Minute:
    label: int
    complete: bool
    open: float
    high: float
    low: float
    close: float
    base_volume: int
    base_amount: float
    volume: int = 0
    amount: float = 0.0
    closed: bool = False


@dataclass(slots=True)
class _Day:
    """One instrument on one day: the last snapshot's cumulative values and the minute in progress.

    `known`: nothing can have been traded unseen since that snapshot.
    """

    day: int
    ts: int
    volume: int
    amount: float
    high: float
    low: float
    known: bool
    minute: _Minute | None = None


@dataclass(frozen=True, slots=True)
class BarAxis:
    """Where the bars of one length begin and end.

    Attributes
    ----------
    minutes
        1, or a divisor of the 120 minutes of each session half.
    own_auction
        The opening auction is a bar of its own, 09:30; else it belongs to the first bar.
    """

    minutes: int
    own_auction: bool = False

    def label_of(self, ts: int) -> int | None:
        """Label of the bar that a snapshot belongs to; None outside the sessions."""
        of_day = (ts + _OFFSET_MS) % DAY_MS
        midnight = ts - of_day
        if of_day < AUCTION_MATCH or of_day > LAST_SNAPSHOT:
            return None
        if of_day <= OPEN and self.own_auction:
            return midnight + OPEN
        if LUNCH <= of_day < AFTERNOON:
            return midnight + LUNCH
        begin = OPEN if of_day < LUNCH else AFTERNOON
        step = self.minutes * MINUTE_MS
        # At least the first bar: it has what is stamped exactly on 13:00, and the auction.
        place = max(-(-(of_day - begin) // step), 1)
        return midnight + min(begin + place * step, CLOSE)

    def left_edge(self, label: int) -> int:
        """Where the bar of a label begins."""
        of_day = (label + _OFFSET_MS) % DAY_MS
        first = OPEN if self.own_auction else OPEN + self.minutes * MINUTE_MS
        return label - of_day + AUCTION_MATCH if of_day == first else label - self.minutes * MINUTE_MS


ONE_MINUTE = BarAxis(1, own_auction=True)
FIVE_MINUTES = BarAxis(5)


def closes_at(label: int) -> int:
    """Event time after which a minute gets no more snapshots."""
    of_day = (label + _OFFSET_MS) % DAY_MS
    return label + (CLOSING_GRACE_MS if of_day == CLOSE else GRACE_MS)


def is_quiet(ts: int) -> bool:
    """Whether no snapshots after ``ts`` is normal: before the open, at lunch, after the close."""
    of_day = (ts + _OFFSET_MS) % DAY_MS
    return of_day <= OPEN or LUNCH <= of_day < AFTERNOON or of_day >= CLOSE


class MinuteBuilder:
    """Builds the bars of one length of one host's stream.

    Parameters
    ----------
    axis : BarAxis

    Attributes
    ----------
    watermark : int
        Newest event time seen; 0 before the first.
    stale : int
        Snapshots left out because a newer one had been there.
    """

    def __init__(self, axis: BarAxis = ONE_MINUTE) -> None:
        self._axis = axis
        self._next_close = _NEVER
        self.watermark = 0
        self.stale = 0
        self._whole_since: int | None = None
        self._days: dict[str, _Day] = {}
        self._changed: dict[tuple[str, int], _Minute] = {}
        self._open: dict[str, _Minute] = {}
        self._closed: list[MinuteBar] = []

    def interrupt(self) -> None:
        """Snapshots may have been lost: minutes in progress stay incomplete, volumes are unknown."""
        self._whole_since = None
        for minute in self._open.values():
            minute.complete = False
        for state in self._days.values():
            state.known = False

    def resume(self) -> None:
        """The stream is whole again, from the newest event seen so far."""
        if self._whole_since is None:
            self._whole_since = self.watermark

    def baseline(self, snapshots: Iterable[Snapshot]) -> None:
        """Learn cumulative values from stored snapshots, which reach up to where the stream goes on.

        They build no bar: only what they were at is known, not what happened since the last one.
        """
        for snapshot in snapshots:
            self.watermark = max(self.watermark, snapshot.ts)
            state = self._days.get(snapshot.symbol)
            if state is None or state.day < _day_of(snapshot.ts):
                self._days[snapshot.symbol] = _fresh(snapshot, known=True)
                continue
            state.known = True
            if snapshot.ts > state.ts:
                _advance(state, snapshot)

    def feed(self, snapshots: Iterable[Snapshot]) -> None:
        """Apply snapshots of the stream, each in its own time."""
        for snapshot in snapshots:
            self.watermark = max(self.watermark, snapshot.ts)
            if snapshot.last > 0:
                self._apply(snapshot)

    def changed(self) -> list[MinuteBar]:
        """Bars that changed since the last call, complete or not, in their present state."""
        bars = [_bar(symbol, minute) for (symbol, _), minute in self._changed.items()]
        self._changed = {}
        return bars

    def closed(self, now_ts: int) -> list[MinuteBar]:
        """Complete bars whose minute is over at event time ``now_ts``, each handed out once."""
        if now_ts >= self._next_close:
            for symbol, minute in list(self._open.items()):
                if closes_at(minute.label) <= now_ts:
                    self._close(symbol, minute)
            self._next_close = min((closes_at(minute.label) for minute in self._open.values()), default=_NEVER)
        bars, self._closed = self._closed, []
        return bars

    # --- one snapshot

    def _apply(self, snapshot: Snapshot) -> None:
        state = self._days.get(snapshot.symbol)
        day = _day_of(snapshot.ts)
        if state is not None and (snapshot.ts < state.ts or day < state.day):
            self.stale += 1
            return
        label = self._axis.label_of(snapshot.ts)
        if state is None or state.day != day:
            state = self._begin_day(snapshot, day)
        elif snapshot.volume < state.volume:
            # The terminal started its day over: what is known of the volume is void.
            self._invalidate(state, snapshot)
        if label is not None:
            self._trade(state, snapshot, label)
        _advance(state, snapshot)
        state.known = True

    def _begin_day(self, snapshot: Snapshot, day: int) -> _Day:
        before = self._days.get(snapshot.symbol)
        if before is not None and before.minute is not None:
            self._close(snapshot.symbol, before.minute)
        # Whoever watched since before the auction's match knows that the day began at zero.
        match = day * DAY_MS - _OFFSET_MS + AUCTION_MATCH
        watched = self._whole_since is not None and self._whole_since < match
        if watched or snapshot.volume == 0:
            state = _Day(day, snapshot.ts, 0, 0.0, 0.0, float("inf"), known=True)
        else:
            state = _fresh(snapshot, known=False)
        self._days[snapshot.symbol] = state
        return state

    def _invalidate(self, state: _Day, snapshot: Snapshot) -> None:
        state.volume, state.amount, state.known = snapshot.volume, snapshot.amount, False
        state.high, state.low = snapshot.high, snapshot.low
        if state.minute is not None:
            state.minute.complete = False
            state.minute.base_volume = snapshot.volume - state.minute.volume
            state.minute.base_amount = snapshot.amount - state.minute.amount

    def _trade(self, state: _Day, snapshot: Snapshot, label: int) -> None:
        minute = state.minute
        if minute is None or label > minute.label:
            if minute is not None:
                self._close(snapshot.symbol, minute)
            minute = self._begin_minute(state, snapshot, label)
        elif minute.closed:
            # Past its grace: the terminal's bar will have it, and the base of the next minute too.
            self.stale += 1
            return
        traded = snapshot.volume - minute.base_volume - minute.volume
        if traded <= 0:
            return
        if minute.volume == 0:
            minute.open = minute.high = minute.low = snapshot.last
        minute.high = max(minute.high, snapshot.last)
        minute.low = min(minute.low, snapshot.last)
        # A new extreme of the day since the snapshot before was traded in this minute.
        if snapshot.high > state.high > 0:
            minute.high = max(minute.high, snapshot.high)
        if 0 < snapshot.low < state.low < float("inf"):
            minute.low = min(minute.low, snapshot.low)
        minute.close = snapshot.last
        minute.volume = snapshot.volume - minute.base_volume
        minute.amount = round(snapshot.amount - minute.base_amount, QUANTUM)
        self._changed[snapshot.symbol, minute.label] = minute

    def _begin_minute(self, state: _Day, snapshot: Snapshot, label: int) -> _Minute:
        whole = self._whole_since is not None and self._whole_since <= self._axis.left_edge(label)
        minute = _Minute(
            label=label,
            complete=whole and state.known,
            open=snapshot.last,
            high=snapshot.last,
            low=snapshot.last,
            close=snapshot.last,
            base_volume=state.volume if state.known else snapshot.volume,
            base_amount=state.amount if state.known else snapshot.amount,
        )
        state.minute = minute
        self._open[snapshot.symbol] = minute
        self._next_close = min(self._next_close, closes_at(label))
        self._changed[snapshot.symbol, label] = minute
        return minute

    def _close(self, symbol: str, minute: _Minute) -> None:
        if self._open.get(symbol) is minute:
            del self._open[symbol]
        if not minute.closed:
            minute.closed = True
            if minute.complete:
                self._closed.append(_bar(symbol, minute))


def _day_of(ts: int) -> int:
    return (ts + _OFFSET_MS) // DAY_MS


def _advance(state: _Day, snapshot: Snapshot) -> None:
    state.ts, state.volume, state.amount = snapshot.ts, snapshot.volume, snapshot.amount
    state.high = max(state.high, snapshot.high)
    if snapshot.low > 0:
        state.low = min(state.low, snapshot.low)


def _fresh(snapshot: Snapshot, *, known: bool) -> _Day:
    return _Day(
        _day_of(snapshot.ts),
        snapshot.ts,
        snapshot.volume,
        snapshot.amount,
        snapshot.high,
        snapshot.low if snapshot.low > 0 else float("inf"),
        known,
    )


def _bar(symbol: str, minute: _Minute) -> MinuteBar:
    return MinuteBar(
        symbol,
        minute.label,
        minute.open,
        minute.high,
        minute.low,
        minute.close,
        minute.volume,
        minute.amount,
        minute.complete,
    )
