"""What may be asked for, and the check that turns a request into a query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from marketdata.config import get_marketdata_config
from marketdata.models import Instrument
from marketdata.quotes.periods import DAY_MS, Period, date_ts, day_number, ts_date
from marketdata.selectors import instruments_by_symbol
from ops.clocks import MarketClock
from ops.errors import Code, Invalid
from qmt.calendar import SHANGHAI

# The exchanges opened in December 1990; no bar is older.
FIRST_DATE = date(1990, 12, 1)

AVAILABLE_PERIODS = (Period.DAY_1, Period.MINUTE_1)
_LATER_PERIODS = frozenset({"tick", "5m", "15m", "30m", "60m", "1w", "1mon", "1q", "1y"})

BAR_COLUMNS = (
    "symbol",
    "time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "amount",
    "pre_close",
    "suspended",
)


class Adjust(StrEnum):
    """How prices before an ex-date are made comparable with those after it (复权)."""

    NONE = "none"
    FRONT = "front"
    BACK = "back"
    FRONT_RATIO = "front_ratio"
    BACK_RATIO = "back_ratio"


@dataclass(frozen=True, slots=True)
class DataRequest:
    """Bars of some instruments over a closed range.

    Attributes
    ----------
    symbols
        ``600519.SH``, or bare codes, which the market rules complete.
    period
        ``1d`` or ``1m``.
    start, end
        A date, a datetime (Shanghai time when it has no zone) or text: YYYYMMDD, YYYY-MM-DD, YYYYMMDDHHMMSS.
        Both ends belong to the range. No start means from the listing on, no end means until now.
    count
        Only the last so many bars of each instrument; -1 for all.
    adjust
        See `Adjust`.
    fields
        Columns of the answer besides symbol and time; None for all.
    fill
        Put a flat bar (previous close, volume 0, suspended 1) on the days of a proven suspension.
    """

    symbols: Sequence[str]
    period: str = "1d"
    start: date | datetime | str | None = None
    end: date | datetime | str | None = None
    count: int = -1
    adjust: str = "none"
    fields: Sequence[str] | None = None
    fill: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A request that was found answerable. Stamps are epoch ms, both ends included."""

    instruments: tuple[Instrument, ...]
    period: Period
    start_ts: int
    end_ts: int
    count: int
    adjust: Adjust
    columns: tuple[str, ...]
    fill: bool

    @property
    def start_date(self) -> date:
        return ts_date(self.start_ts)

    @property
    def end_date(self) -> date:
        return ts_date(self.end_ts)


def request_resolve(request: DataRequest, clock: MarketClock) -> Query:
    """Check a request completely and resolve its symbols.

    Raises
    ------
    Invalid
        PERIOD_UNKNOWN, PERIOD_NOT_AVAILABLE, ADJUST_UNKNOWN, FIELD_UNKNOWN (a column), FIELD_INVALID
        (count), FIELD_REQUIRED (no symbol), RANGE_INVALID (not a date, or before the exchanges
        opened), RANGE_REVERSED, RANGE_IN_FUTURE, RANGE_TOO_LARGE or SYMBOL_UNKNOWN, tested in this
        order.
    """
    period = parse_period(request.period)
    adjust = _parse_adjust(request.adjust)
    columns = _parse_fields(request.fields)
    count = _parse_count(request.count)
    start_ts, end_ts = _resolve_range(request.start, request.end, clock)
    instruments = _resolve_symbols(request.symbols)
    _refuse_too_many_rows(len(instruments), period, start_ts, end_ts, count)
    return Query(instruments, period, start_ts, end_ts, count, adjust, columns, request.fill)


def parse_period(text: str) -> Period:
    """Return the stored period of that name, refusing what this release does not store yet."""
    for period in AVAILABLE_PERIODS:
        if period.code == text:
            return period
    available = [period.code for period in AVAILABLE_PERIODS]
    if text in _LATER_PERIODS:
        raise Invalid(
            Code.PERIOD_NOT_AVAILABLE,
            f"period={text} is not available yet; available: {', '.join(available)}",
            field="period",
            available=available,
        )
    raise Invalid(
        Code.PERIOD_UNKNOWN,
        f"there is no period {str(text)[:20]!r}; available: {', '.join(available)}",
        field="period",
        available=available,
    )


def _parse_adjust(text: str) -> Adjust:
    try:
        return Adjust(text)
    except ValueError:
        known = [item.value for item in Adjust]
        raise Invalid(
            Code.ADJUST_UNKNOWN,
            f"adjust must be one of {', '.join(known)}",
            field="adjust",
            available=known,
        ) from None


def _parse_fields(names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return BAR_COLUMNS
    if unknown := [name for name in names if name not in BAR_COLUMNS]:
        raise Invalid(
            Code.FIELD_UNKNOWN,
            f"unknown field: {', '.join(unknown[:10])}",
            field="fields",
            available=list(BAR_COLUMNS),
        )
    wanted = {"symbol", "time", *names}
    return tuple(name for name in BAR_COLUMNS if name in wanted)


def _parse_count(count: object) -> int:
    # Not trusted to be what its annotation says: scripts pass NaN, floats and True.
    if isinstance(count, bool) or not isinstance(count, int) or not (count == -1 or count >= 1):
        raise Invalid(Code.FIELD_INVALID, "count must be -1 or a whole number from 1", field="count")
    return count


def _resolve_symbols(symbols: Sequence[str]) -> tuple[Instrument, ...]:
    if isinstance(symbols, str) or not symbols:
        raise Invalid(Code.FIELD_REQUIRED, "name at least one symbol", field="symbols")
    limit = get_marketdata_config().bars.max_symbols
    if len(symbols) > limit:
        raise Invalid(
            Code.RANGE_TOO_LARGE,
            f"symbols={len(symbols)} limit={limit}",
            field="symbols",
            limit=limit,
        )
    return tuple(instruments_by_symbol(symbols).values())


# ---------------------------------------------------------------------------------- range
def _resolve_range(
    start: date | datetime | str | None, end: date | datetime | str | None, clock: MarketClock
) -> tuple[int, int]:
    start_ts = date_ts(FIRST_DATE) if start is None else _parse_bound(start, "start", is_end=False)
    now_ts = int(clock.market_time.timestamp() * 1000)
    end_ts = now_ts if end is None else _parse_bound(end, "end", is_end=True)
    today = max(clock.trade_date, clock.market_time.date())
    if start is not None and end is not None and start_ts > end_ts:
        raise Invalid(
            Code.RANGE_REVERSED,
            f"start={_text(start)} is after end={_text(end)}",
            field="start",
        )
    for name, bound, stamp in (("start", start, start_ts), ("end", end, end_ts)):
        if stamp < date_ts(FIRST_DATE):
            raise Invalid(
                Code.RANGE_INVALID,
                f"{name}={_text(bound)} is before the exchanges opened ({FIRST_DATE})",
                field=name,
            )
        if bound is not None and ts_date(stamp) > today:
            raise Invalid(
                Code.RANGE_IN_FUTURE,
                f"{name}={_text(bound)} is after the market's today ({today}); leave end out for 'until now'",
                field=name,
                market_date=today.isoformat(),
            )
    return start_ts, end_ts


_DATE = re.compile("([0-9]{4})-?([0-9]{2})-?([0-9]{2})")
_STAMP = re.compile("([0-9]{4})" + 5 * "([0-9]{2})")


def _parse_bound(bound: date | datetime | str, name: str, *, is_end: bool) -> int:
    """Stamp of one end of the range; a date as the end means its last millisecond."""
    if isinstance(bound, str):
        bound = _parse_text(bound.strip(), name)
    if isinstance(bound, datetime):
        moment = bound if bound.tzinfo else bound.replace(tzinfo=SHANGHAI)
        return int(moment.timestamp() * 1000)
    return date_ts(bound) + (DAY_MS - 1 if is_end else 0)


def _parse_text(text: str, name: str) -> date | datetime:
    try:
        if match := _STAMP.fullmatch(text):
            year, month, day, hour, minute, second = (int(part) for part in match.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=SHANGHAI)
        if match := _DATE.fullmatch(text):
            year, month, day = (int(part) for part in match.groups())
            return date(year, month, day)
    except ValueError:
        pass  # the digits are there, the date is not: 20230231
    raise Invalid(
        Code.RANGE_INVALID,
        f"{name}={text[:40]!r} is not a date: use YYYYMMDD, YYYY-MM-DD or YYYYMMDDHHMMSS",
        field=name,
    )


def _text(bound: date | datetime | str | None) -> str:
    return str(bound)[:40]


def _refuse_too_many_rows(instruments: int, period: Period, start_ts: int, end_ts: int, count: int) -> None:
    config = get_marketdata_config().bars
    per_day = 1 if period is Period.DAY_1 else config.minute_bars
    calendar_days = day_number(ts_date(end_ts)) - day_number(ts_date(start_ts)) + 1
    # 245 of 365 days trade; the estimate errs a little high, never by orders.
    rows = -(-calendar_days * 245 // 365) * per_day
    if count != -1:
        rows = min(rows, count)
    total = rows * instruments
    if total > config.max_rows:
        raise Invalid(
            Code.RANGE_TOO_LARGE,
            f"the range holds up to {total} bars, one answer at most {config.max_rows}; split it",
            field="start",
            rows=total,
            limit=config.max_rows,
        )
