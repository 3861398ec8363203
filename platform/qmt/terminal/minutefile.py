"""Reading a file of real one- or five-minute bars of one instrument.

Columns: ``datetime`` (Shanghai, right edge of the bar), ``open``, ``high``, ``low``, ``close`` in CNY, ``volume`` in lots (手),
``amount`` (or ``成交额``) in CNY. The symbol is the six digits that the file's name begins with, or a column ``ts_code``. The period
is the shortest step between two bars of a day. A vendor's minutes often have no opening price: 0 is kept as it is, whoever stores the
bars has to notice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from qmt.codes import CodeError, parse_symbol
from qmt.terminal.barfile import SCALE, SymbolBars, load_frame, numbers_of, refuse_row
from qmt.terminal.market import BarArray, MarketError
from qmt.terminal.paths import Ints
from qmt.terminal.series import five_minute_bars, midnight_of, ordinals_of
from qmt.terminal.types import BAR_DTYPE

if TYPE_CHECKING:
    import pandas as pd

STAMP: Final = "datetime"
_PRICES: Final = ("open", "high", "low", "close")
_AMOUNTS: Final = ("amount", "成交额")
_STEPS: Final = {60_000: "1m", 300_000: "5m"}
_SYMBOL: Final = re.compile(r"\d{6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SymbolMinutes:
    """Minutes of one instrument as its file has them, oldest first."""

    symbol: str
    period: str
    rows: BarArray

    def bars(self, period: str) -> BarArray:
        """Minutes of a period; five minutes fold from one, and nothing finer than the file is made up."""
        if period == self.period:
            return self.rows
        return five_minute_bars(self.rows) if period == "5m" else self.rows[:0]

    def days(self) -> SymbolBars:
        """The day bars that the minutes amount to. A day without an opening price opens where its first bar closed."""
        rows = self.rows
        midnight = midnight_of(rows["time"])
        starts = np.flatnonzero(np.diff(midnight, prepend=midnight[0] - 1))
        ends = np.append(starts[1:], len(rows)) - 1
        close = _scaled(rows["close"][ends])
        first = _scaled(np.where(rows["open"][starts] > 0, rows["open"][starts], rows["close"][starts]))
        prices = {
            "open": first,
            "high": _scaled(np.maximum.reduceat(rows["high"], starts)),
            "low": _scaled(np.minimum.reduceat(rows["low"], starts)),
            "close": close,
            "pre_close": np.concatenate([first[:1], close[:-1]]),
        }
        return SymbolBars(
            symbol=self.symbol,
            ordinals=ordinals_of(rows["time"][starts]),
            prices=prices,
            lots=np.add.reduceat(rows["volume"], starts),
            cents=np.round(np.add.reduceat(rows["amount"], starts) * 100).astype(np.int64),
        )


def is_minute_file(path: Path) -> bool:
    """Whether a file's columns say that it holds minutes."""
    return STAMP in load_frame(path).columns


def read_minutes(path: Path) -> SymbolMinutes:
    """Read and check a file of minutes.

    Raises
    ------
    MarketError
        With file, line, column and reason.
    """
    frame = load_frame(path)
    amount = next((name for name in _AMOUNTS if name in frame.columns), _AMOUNTS[0])
    missing = [name for name in (STAMP, *_PRICES, "volume", amount) if name not in frame.columns]
    if missing:
        raise MarketError(f"{path}: line 1: column {', '.join(missing)} is missing")
    if frame.empty:
        raise MarketError(f"{path}: the file has no rows")
    rows = np.zeros(len(frame), BAR_DTYPE)
    rows["time"] = _stamps(frame, path)
    for name in _PRICES:
        rows[name] = numbers_of(frame, name, path)
        lowest = -np.inf if name == "open" else 0
        refuse_row(path, (rows[name] < 0) | (rows[name] <= lowest), name, frame, "not a positive price")
    for name in ("high", "close"):
        refuse_row(path, rows[name] < rows["low"], name, frame, "below the bar's low")
    for name in ("open", "close"):
        refuse_row(path, rows[name] > rows["high"], name, frame, "above the bar's high")
    for name, column in (("volume", "volume"), ("amount", amount)):
        rows[name] = numbers_of(frame, column, path)
        refuse_row(path, rows[name] < 0, column, frame, "negative")
    refuse_row(
        path, np.diff(rows["time"], prepend=rows["time"][0] - 1) <= 0, STAMP, frame, "not later than the row before"
    )
    rows["preClose"] = np.concatenate([[rows["open"][0] or rows["close"][0]], rows["close"][:-1]])
    return SymbolMinutes(_symbol(frame, path), _period(rows["time"], path), rows)


def _scaled(prices: npt.NDArray[np.float64]) -> Ints:
    return np.round(prices * SCALE).astype(np.int64)


def _stamps(frame: pd.DataFrame, path: Path) -> Ints:
    import pandas as pd

    stamps = pd.to_datetime(frame[STAMP], errors="coerce", format="%Y-%m-%d %H:%M:%S")
    refuse_row(path, stamps.isna().to_numpy(), STAMP, frame, "not a time YYYY-MM-DD HH:MM:SS")
    utc = stamps.dt.tz_localize("Asia/Shanghai").dt.tz_convert(None)
    return utc.to_numpy("datetime64[ms]").astype(np.int64)


def _symbol(frame: pd.DataFrame, path: Path) -> str:
    try:
        if "ts_code" in frame.columns:
            names = set(frame["ts_code"].astype(str))
            if len(names) > 1:
                raise MarketError(f"{path}: column ts_code: more than one symbol; a file of minutes holds one")
            return str(parse_symbol(names.pop()))
        if (found := _SYMBOL.match(path.name)) is None:
            raise MarketError(
                f"{path}: neither a column ts_code nor six digits at the start of the name tell the symbol"
            )
        return str(parse_symbol(found[0]))
    except CodeError as error:
        raise MarketError(f"{path}: {error}") from error


def _period(stamps: Ints, path: Path) -> str:
    steps = np.diff(stamps)
    shortest = int(steps.min()) if len(steps) else 0
    if shortest not in _STEPS:
        raise MarketError(
            f"{path}: column {STAMP}: bars of one or of five minutes are replayed, these lie {shortest / 1000:g} s apart"
        )
    return _STEPS[shortest]
