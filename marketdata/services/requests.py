"""What may be asked for, and the check that turns a request into a query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from marketdata.config import get_marketdata_config
from marketdata.models import Instrument
from marketdata.quotes.periods import DAY_MS, Period, date_ts, day_number, ts_date
from marketdata.selectors import instruments_by_symbol
from marketdata.services.axis import bars_per_day
from marketdata.services.folding import FOLDS, Fold
from ops.clocks import MarketClock
from ops.errors import Code, Invalid
from qmt.calendar import SHANGHAI

# The exchanges opened in December 1990; no bar is older.
FIRST_DATE = date(1990, 12, 1)

STORED_PERIODS = (Period.DAY_1, Period.MINUTE_1, Period.MINUTE_5)
ANSWER_PERIODS = (*(period.code for period in STORED_PERIODS), *FOLDS)

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
# Only in answers that can hold an unfinished bar, or where it is named.
PARTIAL = "partial"


class Adjust(StrEnum):
    """How prices before an ex-date are made comparable with those after it (复权)."""

    NONE = "none"
    FRONT = "front"
    BACK = "back"
    FRONT_RATIO = "front_ratio"
    BACK_RATIO = "back_ratio"


class Fill(StrEnum):
    """What stands for a day on which an instrument is proven to have been suspended.

    ``none``: nothing, the day is absent. ``previous_close``: flat bars at the previous close, volume 0, suspended.
    """

    NONE = "none"
    PREVIOUS_CLOSE = "previous_close"


@dataclass(frozen=True, slots=True)
class DataRequest:
    """Bars or ticks of some instruments over a closed range.

    Attributes
    ----------
    symbols
        ``600519.SH``, or bare codes, which the market rules complete: 6 and 5 to Shanghai, 0 and 3 to Shenzhen, 4, 8
        and 920 to Beijing, convertibles 11 to Shanghai and 12 to Shenzhen. A bare code is a security, never an index:
        ``000001`` is Ping An Bank, the SSE Composite is ``000001.SH``. B shares are refused.
    period
        Stored: ``1m``, ``5m``, ``1d``. Folded on read: ``15m``, ``30m``, ``60m`` from ``1m``; ``1w``, ``1mon``, ``1q``,
        ``1y`` from adjusted ``1d``. ``tick``: five-level snapshots, see `resolve_ticks` for what is different.
    start, end
        A date, a datetime (Shanghai time when it has no zone) or text: YYYYMMDD, YYYY-MM-DD, YYYYMMDDHHMMSS.
        Both ends belong to the range. No start means from the listing on, no end means until now. A bar is in the range
        when its stamp is; the bars that one of a week or longer is folded from reach back to that period's first day,
        and never beyond `end`.
    count
        Only the last so many bars of each instrument in the range, counted from its end as the terminal does; -1 for
        all.
    adjust
        See `Adjust`.
    fields
        Columns of the answer besides symbol and time; None for all.
    fill
        See `Fill`.
    open_day
        Add the open day's bar so far to daily bars and what is folded from them, from the latest quote. It is marked
        ``partial``, is never stored and never counts towards completeness.
    """

    symbols: Sequence[str]
    period: str = "1d"
    start: date | datetime | str | None = None
    end: date | datetime | str | None = None
    count: int = -1
    adjust: str = "none"
    fields: Sequence[str] | None = None
    fill: str = "none"
    open_day: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A request that was found answerable. Stamps are epoch ms, both ends included.

    Attributes
    ----------
    period
        The stored period that is read.
    fold
        How the answer is made of it; None when it is the answer.
    start_ts
        From where on stored bars are needed; with a fold, before `first_ts`, where the answer begins.
    """

    instruments: tuple[Instrument, ...]
    period: Period
    start_ts: int
    end_ts: int
    count: int
    adjust: Adjust
    columns: tuple[str, ...]
    fill: Fill
    first_ts: int
    fold: Fold | None = None
    open_day: bool = False

    @property
    def instrument_ids(self) -> list[int]:
        return [instrument.pk for instrument in self.instruments]

    @property
    def code(self) -> str:
        """Name of the period that was asked for."""
        return self.period.code if self.fold is None else self.fold.code

    def since(self, ts: int) -> Query:
        """The same query over a later start."""
        return replace(self, start_ts=ts if self.fold is None else self.fold.begins(ts), first_ts=ts)

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
        PERIOD_UNKNOWN, PERIOD_NOT_AVAILABLE, ADJUST_UNKNOWN, FIELD_INVALID (fill, open_day, count),
        FIELD_UNKNOWN (a column), FIELD_REQUIRED (no symbol), RANGE_INVALID (not a date, or before the exchanges
        opened), RANGE_REVERSED, RANGE_IN_FUTURE, RANGE_TOO_LARGE or SYMBOL_UNKNOWN, tested in this
        order.
    """
    period, fold = parse_answer_period(request.period)
    adjust = _parse_adjust(request.adjust)
    fill = _parse_fill(request.fill)
    _refuse_open_minutes(period, open_day=request.open_day)
    columns = _parse_fields(request.fields, with_partial=request.open_day or _by_calendar(fold))
    count = parse_count(request.count)
    first_ts, end_ts = resolve_range(request.start, request.end, clock)
    start_ts = first_ts if fold is None else fold.begins(first_ts)
    instruments = resolve_symbols(request.symbols)
    stored_count = count if fold is None or count == -1 else count * fold.size
    _refuse_too_many_rows(len(instruments), period, start_ts, end_ts, stored_count)
    return Query(
        instruments=instruments,
        period=period,
        start_ts=start_ts,
        end_ts=end_ts,
        count=count,
        adjust=adjust,
        columns=columns,
        fill=fill,
        first_ts=first_ts,
        fold=fold,
        open_day=request.open_day,
    )


def parse_period(text: str) -> Period:
    """Return the stored bar period of that name.

    Raises
    ------
    Invalid
        PERIOD_NOT_AVAILABLE for ticks, which are no bars, and for what is folded on read; PERIOD_UNKNOWN.
    """
    for period in STORED_PERIODS:
        if period.code == text:
            return period
    available = [period.code for period in STORED_PERIODS]
    if text in FOLDS:
        raise Invalid(
            Code.PERIOD_NOT_AVAILABLE,
            f"period={text} is not stored but folded from {FOLDS[text].stored.code}; stored: {', '.join(available)}",
            field="period",
            available=available,
        )
    raise _no_such_period(text, available)


def parse_answer_period(text: str) -> tuple[Period, Fold | None]:
    """Return the stored period to read and how the answer is folded from it.

    Raises
    ------
    Invalid
        PERIOD_NOT_AVAILABLE for ticks, which are no bars; PERIOD_UNKNOWN.
    """
    for period in STORED_PERIODS:
        if period.code == text:
            return period, None
    if (fold := FOLDS.get(text)) is not None:
        return fold.stored, fold
    raise _no_such_period(text, list(ANSWER_PERIODS))


def _no_such_period(text: str, available: list[str]) -> Invalid:
    if text == Period.TICK.code:
        return Invalid(
            Code.PERIOD_NOT_AVAILABLE,
            f"ticks are not bars and are asked for by themselves; bars: {', '.join(available)}",
            field="period",
            available=available,
        )
    return Invalid(
        Code.PERIOD_UNKNOWN,
        f"there is no period {str(text)[:20]!r}; available: {', '.join(available)}",
        field="period",
        available=available,
    )


def _by_calendar(fold: Fold | None) -> bool:
    return fold is not None and fold.stored is Period.DAY_1


def _refuse_open_minutes(period: Period, *, open_day: bool) -> None:
    if open_day and period is not Period.DAY_1:
        raise Invalid(
            Code.FIELD_INVALID,
            "open_day is for daily and longer bars: minutes of the open day are answered as soon as they are over",
            field="open_day",
        )


def _parse_fill(text: str) -> Fill:
    try:
        return Fill(text)
    except ValueError:
        known = [item.value for item in Fill]
        raise Invalid(
            Code.FIELD_INVALID, f"fill must be one of {', '.join(known)}", field="fill", available=known
        ) from None


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


def _parse_fields(names: Sequence[str] | None, *, with_partial: bool) -> tuple[str, ...]:
    every = (*BAR_COLUMNS, PARTIAL)
    if names is None:
        return every if with_partial else BAR_COLUMNS
    if unknown := [name for name in names if name not in every]:
        raise Invalid(
            Code.FIELD_UNKNOWN,
            f"unknown field: {', '.join(str(name)[:20] for name in unknown[:10])}",
            field="fields",
            available=list(every),
        )
    # An unfinished bar is never answered unmarked.
    wanted = {"symbol", "time", *names, *([PARTIAL] if with_partial else [])}
    return tuple(name for name in every if name in wanted)


def parse_count(count: object) -> int:
    """How many bars are wanted; -1 for all. Raises Invalid."""
    # Not trusted to be what its annotation says: scripts pass NaN, floats and True.
    if isinstance(count, bool) or not isinstance(count, int) or not (count == -1 or count >= 1):
        raise Invalid(Code.FIELD_INVALID, "count must be -1 or a whole number from 1", field="count")
    return count


def resolve_symbols(symbols: Sequence[str]) -> tuple[Instrument, ...]:
    """The instruments of a request, each once, in its order. Raises Invalid: unknown, none, or too many."""
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
def resolve_dates(
    start: date | datetime | str | None, end: date | datetime | str | None, clock: MarketClock
) -> tuple[date, date]:
    """First and last day of a range that is given as in a `DataRequest`.

    Raises
    ------
    Invalid
        RANGE_INVALID, RANGE_REVERSED or RANGE_IN_FUTURE.
    """
    first, last = resolve_range(start, end, clock)
    return ts_date(first), ts_date(last)


def resolve_range(
    start: date | datetime | str | None, end: date | datetime | str | None, clock: MarketClock
) -> tuple[int, int]:
    """First and last stamp of a request in epoch milliseconds, both included. Raises as `resolve_dates`."""
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
    per_day = bars_per_day(period)
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
