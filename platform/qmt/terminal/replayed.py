"""The replayed market: real bars from a file as history, and a generated live day that continues from them.

The history is served as the file has it; a day the file lacks simply has no bar. Of a file of days, minutes and ticks are
interpolated into the day bars and marked so; a file of minutes gives its days, and nothing finer than itself. The first live session is the trading day after the file's last one: each instrument opens from its last
close, rounded to the tick, and goes on with the generator of the seeded market. An instrument whose bars end long before the file does is
suspended in the live session: nobody knows what became of it. (A file may be cut within its last days, so a week's grace.)

A front-adjusted file has prices off the tick, no visible ex-dates, and amounts that do not fit its prices. It is declared, not
detected: tick, limit and amount checks do not hold for such history, and there are no factors.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from qmt.calendar import DAY_MS, TradingCalendar, midnight_ms
from qmt.codes import Board, Market, board_of, kind_of, parse_symbol
from qmt.rules import tick_milli
from qmt.terminal.barfile import SCALE, InstrumentRow, SymbolBars, read_bars, read_instruments
from qmt.terminal.catalogue import BONDS_PER_LOT, SHARES_PER_LOT
from qmt.terminal.chance import day_keys, key_of
from qmt.terminal.generator import Profile, closing_flags
from qmt.terminal.market import BarArray, Basis
from qmt.terminal.minutefile import is_minute_file, read_minutes
from qmt.terminal.pathmarket import PathMarket
from qmt.terminal.paths import SLOTS
from qmt.terminal.series import DaySeries
from qmt.terminal.tape import Tape, TapeRow
from qmt.terminal.types import TICK_DTYPE, DayFacts, Instrument

_RECENT_DAYS = 60
_GRACE_DAYS = 7


class ReplayedMarket(PathMarket):
    """History from a file.

    Parameters
    ----------
    path
        Daily bars, or minutes of one instrument (csv, csv.gz, parquet); names and listing dates come from
        ``*instruments*.csv`` beside it.
    seed
        Of the live days.
    calendar
        Trading days of the exchange; within the file's span the file's dates are the trading days.
    basis
        What the file's prices are.

    Raises
    ------
    MarketError
        When a file is malformed: one sentence with file, line, column, reason.
    """

    kind = "replayed"

    def __init__(
        self, path: Path, *, seed: int, calendar: TradingCalendar, basis: Basis = Basis.FRONT_ADJUSTED
    ) -> None:
        self._minutes = {one.symbol: one for one in ([read_minutes(path)] if is_minute_file(path) else ())}
        bars = [one.days() for one in self._minutes.values()] or read_bars(path)
        known = read_instruments(path)
        dates = [dt.date.fromordinal(int(day)) for day in np.unique(np.concatenate([one.ordinals for one in bars]))]
        calendar = calendar.extended_with(dates)
        self._path, self._seed, self._basis = path, seed, basis
        self._first_day, self._last_day = dates[0], dates[-1]
        self._industries = {one.symbol: known[one.symbol].industry for one in bars if one.symbol in known}
        instruments = {one.symbol: _instrument(one, known.get(one.symbol)) for one in bars}
        self._history = {one.symbol: _series(one, instruments[one.symbol]) for one in bars}
        live = calendar.next_day(self._last_day)
        profiles = [_profile(one, instruments[one.symbol], live, self._last_day) for one in bars]
        super().__init__(profiles, seed=seed, calendar=calendar)

    @property
    def interpolated(self) -> bool:
        """Whether minutes and ticks of the history were made up from day bars."""
        return not self._minutes

    @property
    def basis(self) -> Basis:
        """What the history's prices are."""
        return self._basis

    @property
    def identity(self) -> str:
        """File name and size, span and seed: another file is another market."""
        size = self._path.stat().st_size
        return f"replayed-{self._path.name}-{size}-{self._first_day:%Y%m%d}-{self._last_day:%Y%m%d}-{self._basis}-{self._seed}"

    @property
    def history_start(self) -> dt.date:
        """First day of the file."""
        return self._first_day

    def first_session(self, wall_date: dt.date) -> dt.date:
        """Trading day after the file's last one, whatever today is."""
        return self.calendar.next_day(self._last_day)

    def sectors(self, day: dt.date | None = None) -> Mapping[str, Sequence[str]]:
        """Exchanges, boards and, with an instruments file, industries; on a day, of those listed by then."""
        result: dict[str, list[str]] = {name: [] for name in ("沪深A股", "沪深京A股", "上证A股", "深证A股", "京市A股")}
        exchange = {Market.SH: "上证A股", Market.SZ: "深证A股", Market.BJ: "京市A股"}
        boards = {Board.CHINEXT: "创业板", Board.STAR: "科创板", Board.BSE: "北交所"}
        for instrument in self.instruments():
            symbol = instrument.symbol
            if day is not None and instrument.list_date > day:
                continue
            names = ["沪深京A股", exchange[instrument.market]]
            if instrument.market is not Market.BJ:
                names.append("沪深A股")
            if instrument.board in boards:
                names.append(boards[instrument.board])
            if self._industries.get(symbol):
                names.append(f"SW1{self._industries[symbol]}")
            for name in names:
                result.setdefault(name, []).append(symbol)
        return result

    def factors(self, symbol: str) -> BarArray:
        """None: a file of bars tells no ex-dates, and the live days have none."""
        return super().factors(symbol)[:0]

    def bars(self, symbol: str, period: str, start_ms: int, end_ms: int, *, now_ms: int) -> BarArray:
        """Bars of ``1d``, ``5m`` or ``1m`` with start ≤ time ≤ end, as known at ``now_ms``."""
        minutes = self._minutes.get(symbol)
        if minutes is None or period == "1d":
            return super().bars(symbol, period, start_ms, end_ms, now_ms=now_ms)
        live_ms = midnight_ms(self._last_day) + DAY_MS
        rows = minutes.bars(period)
        live = super().bars(symbol, period, max(start_ms, live_ms), end_ms, now_ms=now_ms)
        return np.concatenate([rows[(rows["time"] >= start_ms) & (rows["time"] <= end_ms)], live])

    def _closed_days(self, symbol: str, today: dt.date) -> Sequence[DaySeries]:
        history = self._history[symbol]
        if today <= self._last_day:
            return (history,)
        return (history, self._chains[symbol].through(today))

    def _has_tape(self, day: dt.date) -> bool:
        return day > self._last_day and self.calendar.is_trading_day(day)

    def ticks(self, symbol: str, day: dt.date, *, now_ms: int) -> BarArray:
        """Snapshots of one day; those of a day of the file are interpolated into its bar, none of a file of minutes."""
        history = self._history.get(symbol)
        at = history.position(day) if history is not None else None
        if history is None or at is None:
            return super().ticks(symbol, day, now_ms=now_ms)
        if self._minutes:
            return np.empty(0, TICK_DTYPE)
        one = history.part(at, at + 1)
        facts = DayFacts(symbol, day, self._by_symbol[symbol].name, 0, None, None, suspended=False, is_st=False)
        row = TapeRow(self._by_symbol[symbol], facts, has_bar=True)
        tape = Tape(day, [row], one.day_bars(), one.lots, one.reference, scale=one.scale, stated_cents=one.stated_cents)
        return tape.tick_array(symbol, now_ms)


def _instrument(bars: SymbolBars, known: InstrumentRow | None) -> Instrument:
    symbol = parse_symbol(bars.symbol)
    board = board_of(symbol)
    first, last = (dt.date.fromordinal(int(bars.ordinals[at])) for at in (0, -1))
    listed = known.list_date if known is not None and known.list_date is not None else first
    return Instrument(
        symbol=bars.symbol,
        name=known.name if known is not None else bars.symbol,
        market=symbol.market,
        board=board,
        kind=kind_of(board),
        list_date=min(listed, first),
        t_plus=0 if board is Board.CONVERTIBLE else 1,
        tick_milli=tick_milli(board, last),
        volume_unit=BONDS_PER_LOT if board is Board.CONVERTIBLE else SHARES_PER_LOT,
    )


def _series(bars: SymbolBars, instrument: Instrument) -> DaySeries:
    count = len(bars.ordinals)
    return DaySeries(
        scale=SCALE,
        volume_unit=instrument.volume_unit,
        ordinals=bars.ordinals,
        open=bars.prices["open"],
        high=bars.prices["high"],
        low=bars.prices["low"],
        close=bars.prices["close"],
        reference=bars.prices["pre_close"],
        lots=bars.lots,
        suspended=np.zeros(count, np.bool_),
        step=np.full(count, instrument.tick_milli * (SCALE // 1000), np.int64),
        keys=day_keys(key_of("file", bars.symbol), bars.ordinals),
        closing_auction=closing_flags(instrument, bars.ordinals),
        stated_cents=bars.cents,
    )


def _profile(bars: SymbolBars, instrument: Instrument, live: dt.date, last_day: dt.date) -> Profile:
    step = instrument.tick_milli
    close = int(bars.prices["close"][-1]) * 1000 / SCALE
    rounded = max(round(close / step) * step, step)
    returns = np.diff(np.log(bars.prices["close"][-_RECENT_DAYS:]))
    volatility = float(np.std(returns)) if len(returns) > 1 else 0.02
    return Profile(
        instrument=instrument,
        start=live,
        start_close_milli=rounded,
        base_milli=rounded,
        volatility=min(max(volatility, 0.006), 0.035),
        typical_lots=max(int(np.median(bars.lots[-_RECENT_DAYS:])), SLOTS // 4),
        is_st="ST" in instrument.name.upper(),
        is_halted=int(bars.ordinals[-1]) < last_day.toordinal() - _GRACE_DAYS,
    )
