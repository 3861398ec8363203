"""What is stored of each instrument, what is proven not to exist, what is missing: whole market, no bar read.

Everything comes from one gap scan over segment headers (see `marketdata.services.gaps`), so the three always add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketdata.choices import EvidenceReason
from marketdata.config import get_marketdata_config
from marketdata.models import DataSourceStatus
from marketdata.quotes import reader
from marketdata.quotes.periods import Period, day_date, day_number
from marketdata.selectors import IDS_PER_QUERY, InstrumentRow, instrument_rows
from marketdata.services.axis import calendar_days, history_start
from marketdata.services.gaps import REASONS, Gaps, find_gaps
from marketdata.services.requests import parse_period, resolve_dates
from ops.clocks import MarketClock
from ops.errors import Code, Invalid

STATES = ("any", "complete", "missing", "empty")

# Bounds the matrices of one scan: a thousand instruments since 1990 are 9 million cells.
_INSTRUMENTS_PER_SCAN = 1_000
_PERCENT = 100
NOTHING_EXPECTED = -1
"""Ratio of a month in which the instrument can have no bar."""

RatioMatrix = npt.NDArray[np.int8]

COLUMNS = (
    "symbol",
    "name",
    "period",
    "first_ts",
    "last_ts",
    "expected",
    "present",
    "suspended",
    "source_empty",
    "source_depth",
    "missing",
    "last_sync_at",
    "last_sync_count",
    "host",
    "note",
)
"""Columns of a coverage table; ``expected`` to ``missing`` count trading days and add up."""

_PROVEN = {
    "suspended": EvidenceReason.SUSPENDED,
    "source_empty": EvidenceReason.SOURCE_EMPTY,
    "source_depth": EvidenceReason.SOURCE_DEPTH,
}


@dataclass(frozen=True, slots=True)
class CoverageRequest:
    """Which instruments, which stored period, which days.

    Attributes
    ----------
    symbols
        None for the whole market; else the other filters must be absent.
    text, kind, market
        As in the instrument search.
    state
        ``any``; ``complete``: nothing missing; ``missing``: something is; ``empty``: nothing stored at all.
    start, end
        As in a `DataRequest`, until now; without a start the last ``sync.history_days`` trading days, those that the
        repair after the close keeps complete.
    """

    period: str = "1d"
    symbols: Sequence[str] | None = None
    text: str = ""
    kind: str = ""
    market: str = ""
    state: str = "any"
    start: date | datetime | str | None = None
    end: date | datetime | str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """A checked `CoverageRequest`."""

    rows: tuple[InstrumentRow, ...]
    period: Period
    first: date
    last: date
    state: str
    clock: MarketClock


@dataclass(frozen=True, slots=True)
class CoverageMonths:
    """How complete each instrument is, month by month.

    Attributes
    ----------
    months
        ``2023-03``, ascending, shape (M,).
    symbols, names
        Shape (N,).
    ratios
        Percent of the days that can have bars whose bars are all there, rounded down, so that 100 means all; shape (N, M).
        `NOTHING_EXPECTED` where no day can have any: not listed, suspended throughout, proven empty.
    """

    months: tuple[str, ...]
    symbols: tuple[str, ...]
    names: tuple[str, ...]
    ratios: RatioMatrix


@dataclass(frozen=True, slots=True)
class MissingDays:
    """An unbroken stretch of missing trading days of one instrument, both ends included."""

    symbol: str
    start_date: date
    end_date: date
    days: int


def scope_resolve(request: CoverageRequest, clock: MarketClock) -> Scope:
    """Check a request completely.

    Raises
    ------
    Invalid
        PERIOD_UNKNOWN, PERIOD_NOT_AVAILABLE (a folded period), FIELD_INVALID (state), the range's codes (see
        `request_resolve`), SYMBOL_UNKNOWN.
    """
    period = parse_period(request.period)
    if request.state not in STATES:
        raise Invalid(Code.FIELD_INVALID, f"state must be one of {', '.join(STATES)}", field="state")
    first, last = resolve_dates(request.start, request.end, clock)
    if request.start is None:
        first = history_start(last, get_marketdata_config().sync.history_days)
    rows = instrument_rows(symbols=request.symbols, text=request.text, kind=request.kind, market=request.market)
    return Scope(tuple(rows), period, first, last, request.state, clock)


def coverage_page(scope: Scope, *, limit: int, after: str = "") -> tuple[pd.DataFrame, str | None]:
    """Return the next rows in order of symbol, and the symbol to go on after; None when there are no more.

    Parameters
    ----------
    limit
        Most rows.
    after
        Begin behind this symbol.
    """
    rows = tuple(row for row in scope.rows if row.symbol > after)
    # Without a filter on the outcome only this page's instruments are scanned.
    step = limit + 1 if scope.state == "any" else _INSTRUMENTS_PER_SCAN
    found: list[pd.DataFrame] = []
    count = 0
    for at in range(0, len(rows), step):
        table = coverage_table(replace(scope, rows=rows[at : at + step]))
        found.append(table)
        count += len(table)
        if count > limit:
            break
    page = pd.concat(found, ignore_index=True) if found else _empty()
    more = len(page) > limit
    page = page.iloc[:limit]
    return page, (str(page["symbol"].iloc[-1]) if more else None)


def coverage_pieces(scope: Scope) -> Iterator[pd.DataFrame]:
    """The whole table in order of symbol, some instruments at a time."""
    for at in range(0, len(scope.rows), _INSTRUMENTS_PER_SCAN):
        yield coverage_table(replace(scope, rows=scope.rows[at : at + _INSTRUMENTS_PER_SCAN]))


def coverage_table(scope: Scope) -> pd.DataFrame:
    """Scan all instruments of the scope at once.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row per instrument that fits the scope's state, in the order of its rows.
    """
    if not scope.rows:
        return _empty()
    parts = [_table(scope, rows) for rows in _by_id(scope.rows)]
    table = pd.concat(parts, ignore_index=True).set_index("symbol", drop=False)
    table = table.loc[[row.symbol for row in scope.rows]].reset_index(drop=True)
    match scope.state:
        case "complete":
            table = table[(table["missing"] == 0) & (table["expected"] > 0)]
        case "missing":
            table = table[table["missing"] > 0]
        case "empty":
            table = table[(table["present"] == 0) & table["first_ts"].isna()]
    return table.reset_index(drop=True)


def coverage_months(scope: Scope) -> CoverageMonths:
    """Ratio of complete days per instrument and month, in the order of the scope's rows."""
    days = calendar_days(day_number(scope.first), day_number(min(scope.last, scope.clock.trade_date)))
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    names, starts = np.unique(months, return_index=True)
    ratios: RatioMatrix = np.full((len(scope.rows), len(names)), NOTHING_EXPECTED, dtype=np.int8)
    if ratios.size:
        place = {row.pk: at for at, row in enumerate(scope.rows)}
        for rows in _by_id(scope.rows):
            gaps = find_gaps(rows, scope.period, scope.first, scope.last, clock=scope.clock)
            present = _sums(_complete(gaps), starts)
            possible = present + _sums(gaps.missing, starts)
            part = np.where(possible > 0, _PERCENT * present // np.maximum(possible, 1), NOTHING_EXPECTED)
            ratios[[place[row.pk] for row in rows]] = part
    return CoverageMonths(
        tuple(names.astype(str).tolist()),
        tuple(row.symbol for row in scope.rows),
        tuple(row.name for row in scope.rows),
        ratios,
    )


def coverage_missing(scope: Scope) -> list[MissingDays]:
    """Every missing stretch, in the order of the scope's rows, oldest first."""
    if not scope.rows:
        return []
    gaps = find_gaps(scope.rows, scope.period, scope.first, scope.last, clock=scope.clock)
    stretches, days = gaps.ranges(), gaps.axis.days
    return [
        MissingDays(
            row.symbol,
            day_date(first),
            day_date(last),
            int(np.searchsorted(days, last, side="right") - np.searchsorted(days, first)),
        )
        for row in scope.rows
        for first, last in stretches.get(row.pk, [])
    ]


def _sums(matrix: npt.NDArray[np.bool_], starts: npt.NDArray[np.intp]) -> npt.NDArray[np.int32]:
    sums: npt.NDArray[np.int32] = np.add.reduceat(matrix, starts, axis=1, dtype=np.int32)
    return sums


def _by_id(rows: Sequence[InstrumentRow]) -> Iterator[list[InstrumentRow]]:
    """Portions in order of id: each is one stretch of the headers' key."""
    ordered = sorted(rows, key=lambda row: row.pk)
    for at in range(0, len(ordered), _INSTRUMENTS_PER_SCAN):
        yield ordered[at : at + _INSTRUMENTS_PER_SCAN]


def _complete(gaps: Gaps) -> npt.NDArray[np.bool_]:
    """Days whose bars are all there; absent minutes that had no trade are no bars."""
    complete: npt.NDArray[np.bool_] = gaps.present | (gaps.proven == _code(EvidenceReason.NO_TRADE))
    return complete


def _code(reason: EvidenceReason) -> int:
    return 1 + REASONS.index(reason)


def _table(scope: Scope, rows: Sequence[InstrumentRow]) -> pd.DataFrame:
    gaps = find_gaps(rows, scope.period, scope.first, scope.last, clock=scope.clock)
    table = pd.DataFrame(
        {
            "symbol": [row.symbol for row in rows],
            "name": [row.name for row in rows],
            "period": scope.period.code,
            "present": _complete(gaps).sum(axis=1),
            **{name: (gaps.proven == _code(reason)).sum(axis=1) for name, reason in _PROVEN.items()},
            "missing": gaps.missing.sum(axis=1),
        },
        index=gaps.instrument_ids,
    )
    table["expected"] = table[["present", *_PROVEN, "missing"]].sum(axis=1)
    table = table.join(_extents(rows, scope.period)).join(_statuses(rows, scope.period))
    return table[list(COLUMNS)].reset_index(drop=True)


def _extents(rows: Sequence[InstrumentRow], period: Period) -> pd.DataFrame:
    stored = reader.coverage([row.pk for row in rows], period)
    return pd.DataFrame(
        {
            "first_ts": pd.array(stored.first_ts, dtype="Int64"),
            "last_ts": pd.array(stored.last_ts, dtype="Int64"),
        },
        index=stored.instrument_id,
    )


def _statuses(rows: Sequence[InstrumentRow], period: Period) -> pd.DataFrame:
    fields = ("instrument_id", "last_sync_at", "last_sync_count", "host", "note")
    ids = {row.pk for row in rows}
    found = DataSourceStatus.objects.filter(
        period=period.code, instrument_id__gte=min(ids), instrument_id__lte=max(ids)
    )
    if len(ids) <= IDS_PER_QUERY:
        found = found.filter(instrument_id__in=ids)
    known = [row for row in found.values_list(*fields) if row[0] in ids]
    table = pd.DataFrame(known, columns=list(fields)).set_index("instrument_id")
    return table.reindex([row.pk for row in rows]).assign(
        last_sync_at=lambda frame: pd.to_datetime(frame["last_sync_at"], utc=True),
        last_sync_count=lambda frame: frame["last_sync_count"].fillna(0).astype(np.int64),
        host=lambda frame: frame["host"].fillna(""),
        note=lambda frame: frame["note"].fillna(""),
    )


def _empty() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in COLUMNS})
