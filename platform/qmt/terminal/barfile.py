"""Reading a file of real daily bars, and the instruments file beside it.

Columns: ``ts_code``, ``trade_date`` (YYYYMMDD), ``open``, ``high``, ``low``, ``close``, ``pre_close`` in CNY, ``vol`` in lots (手),
``amount`` in 1,000 CNY. Formats: csv, csv.gz, parquet. Anything that cannot be right stops the terminal with one sentence that
names file, line, column and reason: a market replayed from a broken file would teach wrong lessons.
"""

from __future__ import annotations

import csv
import datetime as dt
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qmt.codes import CodeError, parse_symbol
from qmt.terminal.market import MarketError
from qmt.terminal.paths import Ints

if TYPE_CHECKING:
    import pandas as pd

SCALE = 1_000_000
"""Price units to the yuan: front-adjusted prices have more decimals than a tick."""
PRICES = ("open", "high", "low", "close", "pre_close")
COLUMNS = ("ts_code", "trade_date", *PRICES, "vol", "amount")
_NUMBERS = (*PRICES, "vol", "amount")
_ORDER_TOLERANCE = 1.5e-4  # adjusted prices are rounded one by one, to four decimals
_INSTRUMENT_COLUMNS = ("ts_code", "name", "list_date")


@dataclass(frozen=True, slots=True)
class SymbolBars:
    """Daily bars of one symbol, oldest first. Prices × :data:`SCALE`, amount in cents, volume in whole lots."""

    symbol: str
    ordinals: Ints
    prices: Mapping[str, Ints]
    lots: Ints
    cents: Ints


@dataclass(frozen=True, slots=True)
class InstrumentRow:
    """What the instruments file says."""

    name: str
    list_date: dt.date | None
    industry: str


def read_bars(path: Path) -> list[SymbolBars]:
    """Read and check a bar file.

    Volumes with a fraction of a lot are rounded half-up to the whole lot. So does a terminal: in the SDK's own example the tick volume is
    758613 lots for 75861284 shares.

    Raises
    ------
    MarketError
        With file, line, column and reason.
    """
    frame = load_frame(path)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise MarketError(f"{path}: line 1: column {', '.join(missing)} is missing; needed are {', '.join(COLUMNS)}")
    if frame.empty:
        raise MarketError(f"{path}: the file has no rows")
    for name in _NUMBERS:
        frame[name] = numbers_of(frame, name, path)
    ordinals = _dates(frame, path)
    symbols = _symbols(frame, path)
    _check_values(frame, path)
    return _split(frame, symbols, ordinals, path)


def load_frame(path: Path) -> pd.DataFrame:
    """The file as it is, codes and dates as text. Raises `MarketError` when it cannot be read."""
    import pandas as pd

    name = path.name.lower()
    if not path.is_file():
        raise MarketError(f"{path}: there is no such file")
    text_columns = {"ts_code": str, "trade_date": str}
    try:
        if name.endswith((".csv", ".csv.gz")):
            return pd.read_csv(path, dtype=text_columns, skip_blank_lines=False)
        if name.endswith(".parquet"):
            return pd.read_parquet(path)
    except pd.errors.EmptyDataError as error:
        raise MarketError(f"{path}: the file is empty") from error
    except (EOFError, zlib.error, OSError, UnicodeDecodeError, pd.errors.ParserError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MarketError(f"{path}: cannot be read: {reason}") from error
    raise MarketError(f"{path}: not a csv, csv.gz or parquet file")


def refuse_row(path: Path, bad: npt.NDArray[np.bool_], column: str, frame: pd.DataFrame, reason: str) -> None:
    """Raise `MarketError` for the first marked row."""
    rows = np.flatnonzero(bad)
    if len(rows):
        row = int(rows[0])
        shown = repr(frame[column].iloc[row]) if column in frame.columns else ""
        unit = "row" if path.name.lower().endswith(".parquet") else "line"
        number = row + 1 if unit == "row" else row + 2
        raise MarketError(f"{path}: {unit} {number}: column {column}: {reason}{': ' + shown if shown else ''}")


def numbers_of(frame: pd.DataFrame, name: str, path: Path) -> npt.NDArray[np.float64]:
    """A column as finite numbers. Raises `MarketError` for anything else."""
    import pandas as pd

    numbers = pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    refuse_row(path, ~np.isfinite(numbers), name, frame, "not a number")
    return numbers


def _dates(frame: pd.DataFrame, path: Path) -> Ints:
    texts = frame["trade_date"].astype(str)
    unique = {text: _ordinal(text) for text in texts.unique()}
    ordinals = texts.map(unique).to_numpy(np.int64)
    refuse_row(path, ordinals == 0, "trade_date", frame, "not a date YYYYMMDD")
    return ordinals


def _ordinal(text: str) -> int:
    try:
        return dt.date.fromisoformat(text).toordinal() if len(text) == 8 and text.isdigit() else 0
    except ValueError:
        return 0


def _symbols(frame: pd.DataFrame, path: Path) -> npt.NDArray[np.object_]:
    texts = frame["ts_code"].astype(str)
    unique: dict[str, str] = {}
    for text in texts.unique():
        try:
            unique[text] = str(parse_symbol(text))
        except CodeError as error:
            refuse_row(path, (texts == text).to_numpy(), "ts_code", frame, str(error))
    return texts.map(unique).to_numpy(object)


def _check_values(frame: pd.DataFrame, path: Path) -> None:
    for name in PRICES:
        refuse_row(path, frame[name].to_numpy() <= 0, name, frame, "not a positive price")
    for name in ("vol", "amount"):
        refuse_row(path, frame[name].to_numpy() < 0, name, frame, "negative")
    high, low = frame["high"].to_numpy(), frame["low"].to_numpy()
    for name in ("open", "close"):
        price = frame[name].to_numpy()
        refuse_row(path, price > high + _ORDER_TOLERANCE, name, frame, "above the day's high")
        refuse_row(path, price < low - _ORDER_TOLERANCE, name, frame, "below the day's low")
    refuse_row(path, low > high + _ORDER_TOLERANCE, "low", frame, "above the day's high")


def _split(frame: pd.DataFrame, symbols: npt.NDArray[np.object_], ordinals: Ints, path: Path) -> list[SymbolBars]:
    names, codes = np.unique(symbols.astype(str), return_inverse=True)
    order = np.lexsort((ordinals, codes))
    codes, ordinals = codes[order], ordinals[order]
    repeated = np.zeros(len(order), np.bool_)
    repeated[order[1:]] = (codes[1:] == codes[:-1]) & (ordinals[1:] == ordinals[:-1])
    refuse_row(path, repeated, "trade_date", frame, "a second row of the same symbol and date")
    columns = {name: np.round(frame[name].to_numpy()[order] * SCALE).astype(np.int64) for name in PRICES}
    columns["high"] = np.maximum.reduce([columns[name] for name in ("open", "high", "low", "close")])
    columns["low"] = np.minimum.reduce([columns[name] for name in ("open", "high", "low", "close")])
    lots = np.floor(frame["vol"].to_numpy()[order] + 0.5).astype(np.int64)
    cents = np.round(frame["amount"].to_numpy()[order] * 100_000).astype(np.int64)
    edges = np.append(np.flatnonzero(np.diff(codes, prepend=-1)), len(codes))
    return [
        SymbolBars(
            symbol=str(names[codes[start]]),
            ordinals=ordinals[start:stop],
            prices={name: column[start:stop] for name, column in columns.items()},
            lots=lots[start:stop],
            cents=cents[start:stop],
        )
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]


def read_instruments(bar_path: Path) -> dict[str, InstrumentRow]:
    """Names and listing dates from ``*instruments*.csv`` beside the bar file; empty without one.

    Raises
    ------
    MarketError
        When the file is there but malformed.
    """
    found = sorted(path for path in bar_path.parent.glob("*instruments*.csv") if path != bar_path)
    if not found:
        return {}
    path = found[0]
    rows: dict[str, InstrumentRow] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in _INSTRUMENT_COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise MarketError(f"{path}: line 1: column {', '.join(missing)} is missing")
            for row in reader:
                symbol, parsed = _instrument_row(row, path, reader.line_num)
                rows[symbol] = parsed
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MarketError(f"{path}: cannot be read: {error}") from error
    return rows


def _instrument_row(row: Mapping[str, str | None], path: Path, line: int) -> tuple[str, InstrumentRow]:
    try:
        symbol = str(parse_symbol(row["ts_code"] or ""))
    except CodeError as error:
        raise MarketError(f"{path}: line {line}: column ts_code: {error}") from error
    listed = (row["list_date"] or "").strip()
    ordinal = _ordinal(listed)
    if listed and not ordinal:
        raise MarketError(f"{path}: line {line}: column list_date: not a date YYYYMMDD: {listed!r}")
    return symbol, InstrumentRow(
        name=(row["name"] or "").strip() or symbol,
        list_date=dt.date.fromordinal(ordinal) if ordinal else None,
        industry=(row.get("industry") or "").strip(),
    )
