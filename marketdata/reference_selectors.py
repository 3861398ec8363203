"""Reads of static data as of a day. What nobody recorded then is refused with a code, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from marketdata.models import (
    ConvertibleBond,
    DividendFactor,
    FinancialReport,
    FundBasket,
    IndexWeight,
    Instrument,
    InstrumentAlias,
    InstrumentChange,
    NewIssue,
    Sector,
    SectorMember,
)
from ops.errors import Code, NotFound, Unavailable
from qmt.reference import FinancialTable


def sectors(day: date | None = None) -> QuerySet[Sector]:
    """Sectors that are listed on a day (today's without one), by name."""
    if day is None:
        return Sector.objects.filter(retired_on=None)
    return Sector.objects.filter(Q(retired_on=None) | Q(retired_on__gt=day), known_since__lte=day)


def sector_get(name: str) -> Sector:
    """Return a sector, retired or not.

    Raises
    ------
    NotFound
        ``SECTOR_NOT_FOUND``.
    """
    sector = Sector.objects.filter(name=name).first()
    if sector is None:
        raise NotFound(Code.SECTOR_NOT_FOUND, sector=name[:64])
    return sector


def memberships(name: str, on: date) -> QuerySet[SectorMember]:
    """Memberships of a sector in force on a day.

    Raises
    ------
    NotFound
        ``SECTOR_NOT_FOUND``.
    Unavailable
        ``DATA_UNAVAILABLE`` before the first day whose members are known: today's would only be the survivors.
    """
    sector = sector_get(name)
    if on < sector.known_since:
        raise Unavailable(
            Code.DATA_UNAVAILABLE,
            f"the members of {sector.name} are known from {sector.known_since} on",
            field="on",
            status=422,
            known_since=sector.known_since.isoformat(),
        )
    found: QuerySet[SectorMember] = SectorMember.objects.filter(sector=sector).on(on)
    return found.select_related("instrument")


def sector_members(name: str, on: date) -> list[str]:
    """Symbols that belonged to a sector on a day, ascending; raises as `memberships` does."""
    return list(memberships(name, on).order_by("instrument__symbol").values_list("instrument__symbol", flat=True))


def index_weights(index: Instrument, on: date) -> QuerySet[IndexWeight]:
    """Weights of an index in force on a day.

    Raises
    ------
    Unavailable
        ``DATA_UNAVAILABLE`` before the first day whose weights are known, and for what has none.
    """
    first = IndexWeight.objects.filter(index=index).order_by("valid_from").values_list("valid_from", flat=True).first()
    if first is None or on < first:
        raise Unavailable(
            Code.DATA_UNAVAILABLE,
            f"no weights of {index.symbol} are known" + (f" before {first}" if first else ""),
            field="on" if first else "index",
            status=422,
            known_since=first.isoformat() if first else None,
        )
    found: QuerySet[IndexWeight] = IndexWeight.objects.filter(index=index).on(on)
    return found.select_related("instrument")


def weighted_indices() -> QuerySet[Instrument]:
    """Indices that have ever had weights, by symbol."""
    return Instrument.objects.filter(pk__in=IndexWeight.objects.order_by().values("index").distinct()).order_by(
        "symbol"
    )


def financials(
    *,
    instruments: Sequence[Instrument],
    tables: Sequence[FinancialTable],
    as_of: date | None = None,
    start: date | None = None,
    end: date | None = None,
) -> QuerySet[FinancialReport]:
    """Rows of financial tables whose period ends within [start, end].

    Parameters
    ----------
    as_of
        Point-in-time: only what was announced up to that day, and of each period the latest announcement. Rows whose announcement the
        terminal does not state are left out. Without it, every valid row, restatements beside the originals.
    """
    found = FinancialReport.objects.filter(
        instrument__in=[row.pk for row in instruments], table__in=[str(table) for table in tables], superseded_at=None
    )
    if start is not None:
        found = found.filter(report_date__gte=start)
    if end is not None:
        found = found.filter(report_date__lte=end)
    if as_of is not None:
        latest = (
            FinancialReport.objects.filter(
                instrument=OuterRef("instrument"),
                table=OuterRef("table"),
                report_date=OuterRef("report_date"),
                announced_on__lte=as_of,
                superseded_at=None,
            )
            .order_by("-announced_on")
            .values("announced_on")[:1]
        )
        found = found.filter(announced_on__lte=as_of).annotate(latest=Subquery(latest)).filter(announced_on=F("latest"))
    return found.select_related("instrument")


def bond_terms(on: date | None = None) -> QuerySet[ConvertibleBond]:
    """Terms of convertible bonds in force on a day, today's without one."""
    rows = ConvertibleBond.objects.all()
    found: QuerySet[ConvertibleBond] = rows.current() if on is None else rows.on(on)
    return found.select_related("instrument")


def fund_baskets(on: date | None = None) -> QuerySet[FundBasket]:
    """The newest basket of each fund, or the newest up to a day."""
    rows = FundBasket.objects.all() if on is None else FundBasket.objects.filter(trade_date__lte=on)
    newest = rows.filter(instrument=OuterRef("instrument")).order_by("-trade_date").values("pk")[:1]
    return FundBasket.objects.filter(pk=Subquery(newest)).select_related("instrument")


def fund_basket(instrument: Instrument, on: date | None = None) -> FundBasket:
    """The basket of one fund.

    Raises
    ------
    NotFound
        ``BASKET_NOT_FOUND``: none is stored for that day or before.
    """
    found = fund_baskets(on).filter(instrument=instrument).first()
    if found is None:
        raise NotFound(Code.BASKET_NOT_FOUND, symbol=instrument.symbol, on=on.isoformat() if on else None)
    return found


def new_issues(start: date | None = None, end: date | None = None) -> QuerySet[NewIssue]:
    """New issues whose subscription lies between two days."""
    found = NewIssue.objects.all()
    if start is not None:
        found = found.filter(subscribe_on__gte=start)
    if end is not None:
        found = found.filter(subscribe_on__lte=end)
    return found


def factors(instruments: Sequence[Instrument], start: date | None, end: date | None) -> QuerySet[DividendFactor]:
    """Ex-rights events of instruments between two days."""
    found = DividendFactor.objects.filter(instrument__in=[row.pk for row in instruments])
    if start is not None:
        found = found.filter(date__gte=start)
    if end is not None:
        found = found.filter(date__lte=end)
    return found.select_related("instrument")


def instrument_history(instrument: Instrument) -> tuple[list[InstrumentAlias], list[InstrumentChange]]:
    """Former codes and names, and every change, newest first."""
    return (
        list(instrument.aliases.order_by("-valid_to", "kind")),
        list(instrument.changes.order_by("-date", "field")),
    )
