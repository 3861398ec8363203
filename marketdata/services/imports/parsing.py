"""From a file's columns to bars, with every row that cannot be one named by its line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketdata.choices import Basis
from marketdata.models import Instrument
from marketdata.quotes.periods import Int64Array, Period, date_ts, day_numbers, time_of_day_ms
from marketdata.services.axis import minute_labels
from marketdata.services.imports.files import number_of
from ops.clocks import SHANGHAI
from ops.errors import Code, Invalid
from qmt.codes import CodeError, parse_symbol

BoolArray = npt.NDArray[np.bool_]

PRICES = ("open", "high", "low", "close")
ALIASES: Mapping[str, tuple[str, ...]] = {
    "symbol": ("symbol", "ts_code", "code", "stock_code", "代码", "证券代码"),
    "time": ("time", "datetime", "trade_date", "date", "ts", "timestamp", "时间", "日期"),
    "open": ("open", "开盘", "开盘价"),
    "high": ("high", "最高", "最高价"),
    "low": ("low", "最低", "最低价"),
    "close": ("close", "收盘", "收盘价"),
    "volume": ("volume", "vol", "成交量"),
    "amount": ("amount", "turnover", "成交额"),
    "pre_close": ("pre_close", "preclose", "昨收", "昨收价"),
}
REQUIRED = ("time", *PRICES, "volume")
VOLUME_UNITS = ("shares", "lots")
AMOUNT_UNITS = ("yuan", "thousand")
MAX_SHOWN = 100
_ADJUSTED_ROUNDING = 1.5e-4
_STAMP = re.compile(
    r"(\d{4})[-/]?(\d{2})[-/]?(\d{2})(?:[T ]?(\d{2}):?(\d{2})(?::?(\d{2})(?:\.0+)?)?(?:\+08:?00)?)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be understood: said by the person who brings it, never guessed.

    Attributes
    ----------
    symbol
        Of a file without a column for it.
    columns
        The file's own name per column of ours, where the usual names do not fit.
    """

    kind: str
    encoding: str
    period: Period
    basis: Basis
    volume_unit: str
    amount_unit: str
    symbol: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Market:
    """What rows are measured against: trading days, and the first day that is not final."""

    calendar: Int64Array
    first_open_day: int


@dataclass(slots=True)
class Parsed:
    """A file as bars.

    Attributes
    ----------
    bars
        Good rows: instrument_id, ts, OHLC, volume (shares), amount (CNY), pre_close, in time order per instrument.
    problems
        Rows that cannot be stored, at most `MAX_SHOWN`, each with line, code, column and value; `counts` counts all of them.
    notes
        What is odd but can be stored.
    """

    bars: pd.DataFrame
    mapping: dict[str, str]
    rows: int
    problems: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


class _Rows:
    """Collects what is wrong; a row is counted for the first thing that is."""

    def __init__(self, source: pd.DataFrame, kind: str) -> None:
        self._source, self._kind = source, kind
        self.good: BoolArray = np.ones(len(source), np.bool_)
        self.problems: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()

    def refuse(self, code: str, column: str | None, bad: BoolArray) -> None:
        """Drop the rows marked, naming the first of them."""
        hit = np.flatnonzero(bad & self.good)
        self.good[hit] = False
        if not len(hit):
            return
        self.counts[code] += len(hit)
        for row in hit[: MAX_SHOWN - len(self.problems)]:
            value = "" if column is None else str(self._source[column].iloc[row])[:60]
            self.problems.append(
                {"line": number_of(int(row), self._kind), "code": code, "column": column, "value": value}
            )


def parse_table(source: pd.DataFrame, reading: Reading, market: Market) -> Parsed:
    """Turn a file's columns into bars.

    Raises
    ------
    Invalid
        ``COLUMN_MISSING``: a needed column is not there, or the symbol is said nowhere.
    """
    mapping = _mapping(source, reading)
    rows = _Rows(source, reading.kind)
    ids, units = _instruments(source, mapping, reading, rows)
    stamps = _stamps(source[mapping["time"]], reading.period)
    rows.refuse("TIME_INVALID", mapping["time"], stamps == 0)
    numbers = {name: _numbers(source[column]) for name, column in mapping.items() if name not in ("symbol", "time")}
    _check_numbers(numbers, mapping, rows)
    days = day_numbers(stamps)
    rows.refuse("NON_TRADING_DAY", mapping["time"], ~np.isin(days, market.calendar))
    rows.refuse("NOT_CLOSED_YET", mapping["time"], days >= market.first_open_day)
    if reading.period is not Period.DAY_1:
        rows.refuse("OFF_SESSION", mapping["time"], ~np.isin(time_of_day_ms(stamps), minute_labels(reading.period)))
    _check_prices(numbers, mapping, reading, rows)
    shares = numbers["volume"] * (units if reading.volume_unit == "lots" else 1)
    whole = np.rint(np.nan_to_num(shares))
    rows.refuse("FRACTION_OF_A_SHARE", mapping["volume"], np.abs(np.nan_to_num(shares) - whole) > 1e-3)
    repeated = pd.DataFrame({"i": ids, "t": stamps, "g": rows.good})
    rows.refuse(
        "DUPLICATE",
        mapping["time"],
        (repeated[rows.good].duplicated(["i", "t"]).reindex(repeated.index, fill_value=False)).to_numpy(np.bool_),
    )
    bars = pd.DataFrame({"instrument_id": ids, "ts": stamps, **{name: numbers[name] for name in PRICES}})
    bars["volume"] = whole.astype(np.int64)
    factor = 1000.0 if reading.amount_unit == "thousand" else 1.0
    bars["amount"] = numbers["amount"] * factor if "amount" in numbers else np.nan
    bars["pre_close"] = numbers.get("pre_close", np.nan)
    bars["suspended"] = False
    good = bars[rows.good].sort_values(["instrument_id", "ts"], ignore_index=True)
    parsed = Parsed(good, mapping, len(source), rows.problems, rows.counts)
    parsed.notes = _notes(good, reading)
    return parsed


def _mapping(source: pd.DataFrame, reading: Reading) -> dict[str, str]:
    names = {str(name).strip().lower(): str(name) for name in source.columns}
    mapping: dict[str, str] = {}
    for ours, usual in ALIASES.items():
        if (told := reading.columns.get(ours)) is not None:
            if told not in source.columns:
                raise Invalid(Code.COLUMN_MISSING, f"the file has no column {told[:60]!r}", field=f"columns.{ours}")
            mapping[ours] = told
        elif found := next((names[name] for name in usual if name in names), None):
            mapping[ours] = found
    missing = [name for name in REQUIRED if name not in mapping]
    if missing or ("symbol" not in mapping and not reading.symbol):
        wanted = missing or ["symbol"]
        raise Invalid(
            Code.COLUMN_MISSING,
            f"no column for {', '.join(wanted)}; the file has {', '.join(map(str, source.columns[:20]))}",
            field="columns" if missing else "symbol",
            missing=wanted,
        )
    return mapping


def _instruments(
    source: pd.DataFrame, mapping: Mapping[str, str], reading: Reading, rows: _Rows
) -> tuple[Int64Array, Int64Array]:
    """Instrument id (0 for an unknown one) and shares per lot of every row."""
    column = mapping.get("symbol") if not reading.symbol else None
    texts = pd.Series([reading.symbol] * len(source)) if column is None else source[column].astype(str)
    named = {text: _symbol(text) for text in texts.unique()}
    known = {row.symbol: row for row in Instrument.objects.with_symbols(filter(None, named.values()))}
    found = {text: known.get(symbol) for text, symbol in named.items()}
    ids = texts.map({text: row.pk if row else 0 for text, row in found.items()}).to_numpy(np.int64)
    units = texts.map({text: row.volume_unit if row else 1 for text, row in found.items()}).to_numpy(np.int64)
    rows.refuse("SYMBOL_UNKNOWN", column, ids == 0)
    return ids, units


def _symbol(text: str) -> str:
    try:
        return str(parse_symbol(text.strip()))
    except CodeError:
        return ""


def _stamps(column: pd.Series[Any], period: Period) -> Int64Array:
    """Epoch ms of every value, 0 where it is no time of the period. Times without a zone are Shanghai's."""
    unique = {value: _stamp(value, period) for value in column.unique()}
    stamps: Int64Array = column.map(unique).to_numpy(np.int64)
    return stamps


def _stamp(value: Any, period: Period) -> int:
    moment = _moment(value)
    if moment is None:
        return 0
    if moment.second or moment.microsecond:
        return 0
    if period is Period.DAY_1:
        # 15:00 is how some vendors stamp a day.
        return date_ts(moment.date()) if (moment.hour, moment.minute) in ((0, 0), (15, 0)) else 0
    return int(moment.timestamp() * 1000)


def _moment(value: Any) -> datetime | None:
    if value is pd.NaT:
        return None
    if isinstance(value, datetime):  # pandas' own stamps are datetimes too
        plain = value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
        return plain.astimezone(SHANGHAI) if plain.tzinfo else plain.replace(tzinfo=SHANGHAI)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=SHANGHAI)
    text = str(value).strip().removesuffix(".0")
    try:
        if re.fullmatch(r"\d{12,13}", text, re.ASCII) and not text.startswith(("19", "20")):
            return datetime.fromtimestamp(int(text) / 1000, SHANGHAI)
        if match := _STAMP.fullmatch(text):
            parts = [int(part or 0) for part in match.groups()]
            return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[misc,arg-type]
    except (ValueError, OverflowError):
        pass
    return None


def _numbers(column: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Numbers; NaN for empty fields, infinity for what is no number (nothing else may be infinite)."""
    text = column.astype(str).str.strip()
    empty = text.isin(["", "nan", "None", "NaN", "<NA>"])
    found = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, copy=True)
    found[~np.isfinite(found)] = np.inf
    found[empty.to_numpy()] = np.nan
    return found


def _check_numbers(numbers: Mapping[str, npt.NDArray[np.float64]], mapping: Mapping[str, str], rows: _Rows) -> None:
    for name, values in numbers.items():
        rows.refuse("NOT_A_NUMBER", mapping[name], np.isinf(values))
        if name in REQUIRED:
            rows.refuse("FIELD_EMPTY", mapping[name], np.isnan(values))


def _check_prices(
    numbers: Mapping[str, npt.NDArray[np.float64]], mapping: Mapping[str, str], reading: Reading, rows: _Rows
) -> None:
    opens, high, low, close = (numbers[name] for name in PRICES)
    with np.errstate(invalid="ignore"):
        for name in PRICES:
            rows.refuse("PRICE_NOT_POSITIVE", mapping[name], numbers[name] <= 0)
        slack = 0.0 if reading.basis is Basis.RAW else _ADJUSTED_ROUNDING
        rows.refuse("OHLC_ORDER", mapping["high"], high < np.maximum(opens, close) - slack)
        rows.refuse("OHLC_ORDER", mapping["low"], low > np.minimum(opens, close) + slack)
        rows.refuse("NEGATIVE_VOLUME", mapping["volume"], numbers["volume"] < 0)
        if "amount" in numbers:
            rows.refuse("NEGATIVE_VOLUME", mapping["amount"], numbers["amount"] < 0)


def _notes(bars: pd.DataFrame, reading: Reading) -> list[str]:
    """What a person should look at again: units that do not fit the prices."""
    traded = bars[(bars["volume"] > 0) & (bars["amount"] > 0)]
    if traded.empty or reading.basis is not Basis.RAW:
        return []
    ratio = float((traded["amount"] / (traded["volume"] * traded["close"])).median())
    if 0.5 < ratio < 2:
        return []
    return [f"amount is {ratio:.4g} times volume × close: are the units right?"]


def span_of(bars: pd.DataFrame) -> tuple[str, str] | None:
    """First and last day, as text; None without bars."""
    if bars.empty:
        return None
    days = day_numbers(bars["ts"].to_numpy(np.int64))
    first, last = (np.datetime64(int(day), "D") for day in (days.min(), days.max()))
    return str(first), str(last)


def detected_period(source: pd.DataFrame, column: str) -> str:
    """``1d``, ``1m`` or ``5m`` by the distance of neighbouring times; empty when it is none of them."""
    moments = sorted({moment for value in column_sample(source, column) if (moment := _moment(value)) is not None})
    if moments and all((moment.hour, moment.minute) in ((0, 0), (15, 0)) for moment in moments):
        return Period.DAY_1.code
    gaps = Counter(round((b - a).total_seconds() / 60) for a, b in pairwise(moments) if a.date() == b.date())
    usual = gaps.most_common(1)[0][0] if gaps else 0
    return {1: Period.MINUTE_1.code, 5: Period.MINUTE_5.code}.get(usual, "")


def column_sample(source: pd.DataFrame, column: str) -> list[Any]:
    """Enough values of a column to see what it is."""
    return list(source[column].head(500))
