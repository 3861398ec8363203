"""Static data from a terminal: calendar, sectors, instruments, facts of the day, factors.

Every step is an upsert that can be repeated; one that fails leaves the earlier ones stored.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TypeVar

from django.db import transaction

from marketdata.choices import Basis, Market
from marketdata.models import (
    DataSource,
    DividendFactor,
    Holiday,
    Instrument,
    InstrumentDay,
    TradingDay,
)
from marketdata.services.evidence import evidence_forget
from marketdata.services.facts import day_row, instrument_row
from marketdata.services.history import changes_record, recodes_follow
from marketdata.services.sectors import sectors_store
from ops.clocks import wall_now
from qmt.codes import CodeError, parse_symbol
from qmt.errors import QmtError
from qmt.gateway import ClockReading, InstrumentDetail, QuoteGateway
from qmt.gateway import DividendFactor as TerminalFactor

logger = logging.getLogger(__name__)

T = TypeVar("T")

DETAILS_PER_CALL = 500
# The exchanges' first trading day.
CALENDAR_START = date(1990, 12, 19)


@dataclass(frozen=True, slots=True)
class StaticSummary:
    """What a sync found."""

    trading_days: int
    instruments: int
    sectors: int
    factors: int
    basis: Basis


def static_sync(
    *,
    gateway: QuoteGateway,
    host: str,
    reading: ClockReading,
    sdk_version: str,
    basis: Basis = Basis.RAW,
    on_message: Callable[[str], None] = lambda _message: None,
) -> StaticSummary:
    """Bring calendar, sectors, instruments, day facts and factors up to the terminal's trade date.

    Raises
    ------
    QmtError
        The terminal failed; what was stored before stays.
    """
    on_message("calendar")
    days = calendar_sync(gateway=gateway, today=reading.trade_date)
    on_message("sectors")
    members = _sector_members(gateway)
    universe = sorted({symbol for symbols in members.values() for symbol in symbols})
    on_message(f"{len(universe)} instruments")
    known = instruments_sync(gateway=gateway, symbols=universe, reading=reading, host=host)
    sectors_store(members=members, day=reading.trade_date)
    on_message("dividend factors")
    factors = factors_sync(gateway=gateway, symbols=known, basis=basis)
    DataSource.objects.update_or_create(
        host=host,
        defaults={
            "basis": basis,
            "sdk_version": sdk_version,
            "simulated": reading.simulated,
            "static_trade_date": reading.trade_date,
            "static_synced_at": wall_now(),
            "note": "",
        },
    )
    return StaticSummary(days, len(known), len(members), factors, basis)


# ------------------------------------------------------------------------------- calendar
def calendar_sync(*, gateway: QuoteGateway, today: date) -> int:
    """Store the trading days until the end of the market's year and the published holidays.

    Where the terminal knows nothing (it serves Shanghai and Shenzhen only, and not all years), the days come from the
    `exchange_calendars` package; inside the terminal's own span the terminal is right.
    """
    end = date(today.year, 12, 31)
    fallback = _published_days(end)
    stored = 0
    for market in (Market.SH, Market.SZ):
        told = gateway.trading_days(market.value, f"{CALENDAR_START:%Y%m%d}", f"{end:%Y%m%d}")
        days = _merged_days(told, fallback)
        _replace_days(market, days)
        stored = max(stored, len(days))
    holidays = set(gateway.holidays())
    with transaction.atomic():
        Holiday.objects.bulk_create([Holiday(date=day) for day in holidays], ignore_conflicts=True)
    return stored


def _published_days(end: date) -> list[date]:
    """Shanghai's days from the exchange's first one on, as far as the package knows them."""
    # Imported here: only a sync needs it, and it costs half a second.
    import exchange_calendars

    sessions = exchange_calendars.get_calendar("XSHG", start=CALENDAR_START.isoformat()).sessions
    return [stamp.date() for stamp in sessions if stamp.date() <= end]


def _merged_days(told: Sequence[date], fallback: Sequence[date]) -> set[date]:
    if not told:
        return set(fallback)
    first, last = min(told), max(told)
    return set(told) | {day for day in fallback if not first <= day <= last}


def _replace_days(market: Market, days: set[date]) -> None:
    known = set(TradingDay.objects.filter(market=market).values_list("date", flat=True))
    with transaction.atomic():
        for gone in _parts(known - days, 500):
            TradingDay.objects.filter(market=market, date__in=gone).delete()
        TradingDay.objects.bulk_create(
            [TradingDay(market=market, date=day) for day in sorted(days - known)],
            batch_size=2000,
            ignore_conflicts=True,
        )


# ------------------------------------------------------------------------- sectors, instruments
def _sector_members(gateway: QuoteGateway) -> dict[str, list[str]]:
    """Members per sector, without what this platform does not handle (B shares, other markets)."""
    members: dict[str, list[str]] = {}
    for name in gateway.sectors():
        try:
            members[name] = [symbol for symbol in gateway.sector_members(name) if _handled(symbol)]
        except QmtError as error:
            # One sector that cannot be read must not cost the whole sync.
            logger.warning("sector %s could not be read: %s", name, error)
    return members


def _handled(symbol: str) -> bool:
    try:
        return str(parse_symbol(symbol)) == symbol
    except CodeError:
        return False


def instruments_sync(
    *, gateway: QuoteGateway, symbols: Sequence[str], reading: ClockReading, host: str = ""
) -> list[str]:
    """Store details and day facts of these symbols; returns those the terminal knows.

    What a terminal says differently from before goes into the instrument's history. A new code of a known instrument renames it: its key,
    and with it its bars, stay. A changed listing date invalidates the instrument's evidence.
    """
    known: list[str] = []
    for part in _parts(symbols, DETAILS_PER_CALL):
        details = gateway.instruments(part)
        recodes_follow(details=details, universe=symbols, day=reading.trade_date, host=host)
        _store_instruments(details, reading, host)
        known += [detail.symbol for detail in details]
    return known


def _store_instruments(details: Sequence[InstrumentDetail], reading: ClockReading, host: str) -> None:
    now = wall_now()
    rows = [instrument_row(detail, reading.trade_date, now) for detail in details]
    symbols = [row.symbol for row in rows]
    earlier = {row.symbol: row for row in Instrument.objects.with_symbols(symbols)}
    fields = [field.name for field in Instrument._meta.concrete_fields if field.name not in ("id", "symbol")]
    with transaction.atomic():
        Instrument.objects.bulk_create(rows, update_conflicts=True, unique_fields=["symbol"], update_fields=fields)
        stored = {row.symbol: row for row in Instrument.objects.with_symbols(symbols)}
        changed = changes_record(earlier=earlier, stored=stored, day=reading.trade_date, host=host)
        evidence_forget(
            instrument_ids=[key for key, fields in changed.items() if fields & {"list_date", "delist_date"}]
        )
        days = [day_row(stored[detail.symbol], detail, reading.trade_date, now) for detail in details]
        InstrumentDay.objects.bulk_create(
            days,
            update_conflicts=True,
            unique_fields=["instrument"],
            update_fields=[
                "trade_date",
                "pre_close",
                "limit_up",
                "limit_down",
                "suspended",
                "source",
                "updated_at",
            ],
        )


# -------------------------------------------------------------------------------- factors
def factors_sync(*, gateway: QuoteGateway, symbols: Sequence[str], basis: Basis) -> int:
    """Store ex-rights events; returns their number.

    A history that is front-adjusted already has none, and those an earlier, raw source left are removed.
    """
    if basis is Basis.FRONT_ADJUSTED:
        DividendFactor.objects.all().delete()
        return 0
    ids = dict(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", "pk"))
    total = 0
    for symbol in symbols:
        events = gateway.factors(symbol)
        _store_factors(ids[symbol], events)
        total += len(events)
    return total


def _store_factors(instrument_id: int, events: Sequence[TerminalFactor]) -> None:
    rows = [
        DividendFactor(
            instrument_id=instrument_id,
            date=event.date,
            interest=float(event.interest),
            stock_bonus=float(event.stock_bonus),
            stock_gift=float(event.stock_gift),
            allot_num=float(event.allot_num),
            allot_price=float(event.allot_price),
            gugai=float(event.gugai),
            dr=float(event.dr),
        )
        for event in events
    ]
    held = list(DividendFactor.objects.filter(instrument_id=instrument_id).order_by("date"))
    if [_values(row) for row in held] == [_values(row) for row in sorted(rows, key=_date_of)]:
        return
    with transaction.atomic():
        DividendFactor.objects.filter(instrument_id=instrument_id).delete()
        DividendFactor.objects.bulk_create(rows)
        evidence_forget(instrument_ids=[instrument_id])


def _date_of(row: DividendFactor) -> date:
    return row.date


def _values(row: DividendFactor) -> tuple[object, ...]:
    return (
        row.date,
        row.interest,
        row.stock_bonus,
        row.stock_gift,
        row.allot_num,
        row.allot_price,
        row.gugai,
        row.dr,
    )


def _parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut into lists of at most `size`."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part
