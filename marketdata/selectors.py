"""Reads of market data that other apps build on. None of them opens a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import BigIntegerField, CharField, DateField, QuerySet

from accounts.models import QmtHost, User
from marketdata.choices import AliasKind, Market
from marketdata.models import (
    DataSource,
    DataSourceStatus,
    Holiday,
    Instrument,
    InstrumentAlias,
    InstrumentDay,
    InstrumentQuerySet,
    TradingDay,
)
from marketdata.quotes.models import LatestQuote
from marketdata.quotes.periods import Period
from ops.clocks import market_clock
from ops.errors import Code, Invalid, NotFound, Unavailable
from ops.models import Job
from ops.prepared import Prepared
from qmt.codes import CodeError, parse_symbol

#: How much of a bad request a refusal repeats.
MAX_SHOWN_SYMBOLS = 100
MAX_SHOWN_CHARACTERS = 20
#: Above this the whole period is read: one scan beats thousands of parameters.
IDS_PER_QUERY = 500
#: A listing that is longer ago is no new one for any rule.
NEW_LISTING = timedelta(days=400)


_INSTRUMENT = Prepared(lambda symbol: Instrument.objects.filter(symbol=symbol), CharField())
_DAY = Prepared(
    lambda instrument_id, trade_date: InstrumentDay.objects.filter(instrument=instrument_id, trade_date=trade_date),
    BigIntegerField(),
    DateField(),
)
_QUOTE = Prepared(lambda pk: LatestQuote.objects.filter(pk=pk), BigIntegerField(), using="quotes")


def instrument_get(symbol: str) -> Instrument:
    """Return the instrument of a symbol; a bare code is completed by the market rules.

    Raises
    ------
    Invalid
        ``SYMBOL_UNKNOWN``.
    """
    try:
        found = _INSTRUMENT.first(str(parse_symbol(symbol)))
    except CodeError:
        found = None
    # What is no present symbol may be a former one, or is refused with its reason.
    return found or next(iter(instruments_by_symbol([symbol]).values()))


def instrument_find(symbol: str) -> Instrument:
    """Return the instrument that an address names; as `instrument_get`, but what is not there is not found.

    Raises
    ------
    NotFound
        ``SYMBOL_UNKNOWN``.
    """
    try:
        return instrument_get(symbol)
    except Invalid as error:
        raise NotFound(error.code, error.message, **error.details) from None


def instruments_by_symbol(symbols: Iterable[str]) -> dict[str, Instrument]:
    """Resolve symbols to instruments, in the order given, duplicates folded.

    Parameters
    ----------
    symbols
        ``600519.SH``, bare codes such as ``600519``, or a code an instrument had before.

    Returns
    -------
    dict of str to Instrument
        Keyed by the full symbol.

    Raises
    ------
    Invalid
        ``SYMBOL_UNKNOWN`` naming the symbols that are not known in ``details["symbols"]``: as many, and as
        much of each, as a person reads.
    """
    completed: dict[str, str] = {}
    unknown: list[str] = []
    reason = ""
    for text in symbols:
        try:
            completed.setdefault(str(parse_symbol(text)), text)
        except CodeError as error:
            unknown.append(text)
            reason = reason or f" ({error})"
    # in_bulk splits long lists by the database's parameter limit.
    found = Instrument.objects.in_bulk(list(completed), field_name="symbol")
    former = _by_former_symbol([symbol for symbol in completed if symbol not in found])
    unknown += [text for symbol, text in completed.items() if symbol not in found and symbol not in former]
    if unknown:
        named = [text[:MAX_SHOWN_CHARACTERS] for text in unknown[:MAX_SHOWN_SYMBOLS]]
        raise Invalid(
            Code.SYMBOL_UNKNOWN,
            f"unknown symbol: {', '.join(named[:10])}" + (" …" if len(unknown) > 10 else "") + reason,
            field="symbols",
            symbols=named,
        )
    rows = (found.get(symbol) or former[symbol] for symbol in completed)
    return {row.symbol: row for row in rows}


def _by_former_symbol(symbols: Sequence[str]) -> dict[str, Instrument]:
    """Instruments that once had these codes; of a code that several had, the one that had it last."""
    if not symbols:
        return {}
    aliases = InstrumentAlias.objects.filter(kind=AliasKind.SYMBOL, text__in=symbols)
    return {row.text: row.instrument for row in aliases.select_related("instrument").order_by("valid_to")}


class InstrumentRow(NamedTuple):
    """The few facts of an instrument that a scan of the whole market needs."""

    pk: int
    symbol: str
    name: str
    list_date: date | None
    delist_date: date | None


def instrument_rows(
    *, symbols: Sequence[str] | None = None, text: str = "", kind: str = "", market: str = ""
) -> list[InstrumentRow]:
    """Return instruments in order of symbol: the named ones, or all that fit the filters.

    Raises
    ------
    Invalid
        ``FIELD_REQUIRED`` (an empty list), ``SYMBOL_UNKNOWN``, see `instruments_by_symbol`.
    """
    if symbols is not None:
        if not symbols:
            raise Invalid(Code.FIELD_REQUIRED, "name at least one symbol", field="symbols")
        named = instruments_by_symbol(symbols)
        return [
            InstrumentRow(row.pk, symbol, row.name, row.list_date, row.delist_date)
            for symbol, row in sorted(named.items())
        ]
    found = Instrument.objects.search(text)
    found = found.filter(kind=kind) if kind else found
    found = found.filter(market=market) if market else found
    return [InstrumentRow._make(row) for row in found.order_by("symbol").values_list(*InstrumentRow._fields)]


def instrument_day(instrument: Instrument, trade_date: date) -> InstrumentDay | None:
    """Return the facts of that trade date, or None when the stored ones are of another date.

    None is what a pre-trade check denies with ``STALE_LIMITS``.
    """
    return _DAY.first(instrument.pk, trade_date)


def latest_quote(instrument_id: int) -> LatestQuote | None:
    """Return the latest stored quote of one instrument, None where there is none."""
    return _QUOTE.first(instrument_id)


def latest_quotes(instrument_ids: Iterable[int]) -> Mapping[int, LatestQuote]:
    """Return the latest stored quote per instrument id; ids without one are left out."""
    return LatestQuote.objects.in_bulk(list(instrument_ids))


def trading_days(market: str, start: date, end: date) -> list[date]:
    """Return the market's known trading days between two dates, both included, ascending."""
    return list(
        TradingDay.objects.filter(market=market, date__range=(start, end))
        .order_by("date")
        .values_list("date", flat=True)
    )


def listed_days(instrument: Instrument, on: date) -> int | None:
    """Return which trading day since its listing a day is (the first is 1); None when that is long ago or not known."""
    listed = instrument.list_date
    if listed is None or on - listed > NEW_LISTING:
        return None
    # Beijing trades on the days of the other two; the terminal lists only theirs.
    market = Market.SZ if instrument.market == Market.SZ else Market.SH
    return max(1, TradingDay.objects.filter(market=market, date__range=(listed, on)).count())


def data_source(host_name: str) -> DataSource | None:
    """Return what is known about a host as a source of data; None before its first sync."""
    return DataSource.objects.filter(host=host_name).first()


def download_hosts(instrument_ids: Sequence[int], period: Period) -> list[str]:
    """Return the hosts that the instruments' last downloads of a stored period came from, by name."""
    rows = DataSourceStatus.objects.filter(period=period.code).exclude(host="")
    if len(instrument_ids) <= IDS_PER_QUERY:
        rows = rows.filter(instrument_id__in=instrument_ids)
    return sorted(rows.order_by().values_list("host", flat=True).distinct())


def data_host() -> str:
    """Return the name of the host that serves market data: the first enabled one.

    Raises
    ------
    Unavailable
        ``DATA_UNAVAILABLE`` when no host is enabled.
    """
    hosts = QmtHost.objects.filter(enabled=True, fed_from=None)
    name = hosts.order_by("pk").values_list("name", flat=True).first()
    if name is None:
        raise Unavailable(Code.DATA_UNAVAILABLE, "no QMT host is enabled")
    return name


def instrument_search(user: User | AnonymousUser, *, text: str = "", kind: str = "") -> InstrumentQuerySet:
    """Instruments by start of code or pinyin initials, or part of a name, with their day facts loaded."""
    found = Instrument.objects.visible_to(user).search(text).select_related("day")
    return found.filter(kind=kind.upper()) if kind else found


def instruments_named(symbols: Iterable[str]) -> list[Instrument]:
    """Instruments of symbols with their day facts loaded, in the order given; raises as `instruments_by_symbol` does."""
    named = instruments_by_symbol(symbols)
    rows = Instrument.objects.select_related("day").in_bulk([row.pk for row in named.values()])
    return [rows[row.pk] for row in named.values()]


def holidays(start: date, end: date) -> list[date]:
    """Return the published holidays between two dates, both included, ascending."""
    return list(Holiday.objects.filter(date__range=(start, end)).order_by("date").values_list("date", flat=True))


def calendar_view(*, market: str = Market.SH, start: date | None = None, end: date | None = None) -> dict[str, Any]:
    """Trading days of a market between two dates, both included, and where its clock stands.

    Parameters
    ----------
    start, end
        The first and the last day of the market's year when omitted.

    Raises
    ------
    Invalid
        ``RANGE_REVERSED``.
    Unavailable
        No host is enabled, or it has not reported its market clock yet.
    """
    clock = market_clock(data_host())
    start = start or clock.trade_date.replace(month=1, day=1)
    end = end or clock.trade_date.replace(month=12, day=31)
    if start > end:
        raise Invalid(Code.RANGE_REVERSED, f"start={start} is after end={end}", field="start")
    # Beijing trades on the days of the other two; the terminal lists only theirs.
    listed = Market.SH if market == Market.BJ else market
    return {
        "market": str(market),
        "trading_days": trading_days(listed, start, end),
        "holidays": holidays(start, end),
        "trade_date": clock.trade_date,
        "phase": str(clock.phase),
        "market_time": clock.market_time,
        "simulated": clock.simulated,
    }


def jobs_visible_to(user: User | AnonymousUser) -> QuerySet[Job]:
    """Jobs a person may see: their own, an administrator every one."""
    if isinstance(user, AnonymousUser):
        return Job.objects.none()
    return Job.objects.all() if user.is_admin else Job.objects.filter(owner=user.pk)


def job_get(user: User | AnonymousUser, job_id: UUID) -> Job:
    """Return a job the person may see.

    Raises
    ------
    NotFound
        ``JOB_NOT_FOUND``, the same for a job that does not exist and one that is somebody else's.
    """
    job = jobs_visible_to(user).filter(pk=job_id).first()
    if job is None:
        raise NotFound(Code.JOB_NOT_FOUND, job=str(job_id))
    return job
