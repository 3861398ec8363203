"""Everything of one instrument that stands for a trade date, in one read for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from marketdata.models import (
    DividendFactor,
    FinancialReport,
    IndexWeight,
    Instrument,
    InstrumentAlias,
    InstrumentChange,
    InstrumentDay,
    SectorMember,
)
from marketdata.reference_selectors import financials, instrument_history
from marketdata.selectors import data_host, listed_days
from ops.clocks import market_clock
from ops.errors import Unavailable
from qmt import rules
from qmt.codes import Board as CodeBoard
from qmt.reference import FinancialTable

#: Figures people look for first, by table, under the terminal's names.
FIGURES = (
    (FinancialTable.INCOME, "revenue"),
    (FinancialTable.INCOME, "net_profit_excl_min_int_inc"),
    (FinancialTable.PERSHARE_INDEX, "s_fa_eps_basic"),
    (FinancialTable.PERSHARE_INDEX, "s_fa_bps"),
    (FinancialTable.PERSHARE_INDEX, "du_return_on_equity"),
    (FinancialTable.BALANCE, "tot_assets"),
    (FinancialTable.BALANCE, "tot_shrhldr_eqy_excl_min_int"),
    (FinancialTable.CAPITAL, "total_capital"),
    (FinancialTable.CAPITAL, "circulating_capital"),
)
MAX_FACTORS = 40


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the newest report that has it; `item` is the terminal's name."""

    item: str
    value: float
    report_date: date
    announced_on: date | None


@dataclass(frozen=True, slots=True)
class InstrumentProfile:
    """What is known of an instrument on the market's trade date.

    Attributes
    ----------
    host
        Whose market clock counts; empty while none has reported.
    day
        Facts of the newest trade date the terminal told; `day_is_today` says whether that is the market's.
    listing_day, first_days
        Number of this trading day since the listing and the rule of the first days, while that holds.
    sectors, weights
        Memberships and index weights that last, by name and by weight.
    """

    instrument: Instrument
    host: str
    trade_date: date | None
    day: InstrumentDay | None
    listing_day: int | None
    first_days: rules.ListingRow | None
    aliases: Sequence[InstrumentAlias]
    changes: Sequence[InstrumentChange]
    sectors: Sequence[str]
    weights: Sequence[IndexWeight]
    figures: Sequence[Figure]
    factors: Sequence[DividendFactor]

    @property
    def day_is_today(self) -> bool:
        return self.day is not None and self.day.trade_date == self.trade_date


def instrument_profile(instrument: Instrument) -> InstrumentProfile:
    """Read what is known of an instrument; nothing is downloaded, nothing refused."""
    host, today = _today()
    listing_day = listed_days(instrument, today) if today is not None else None
    aliases, changes = instrument_history(instrument)
    return InstrumentProfile(
        instrument=instrument,
        host=host,
        trade_date=today,
        day=InstrumentDay.objects.filter(instrument=instrument).first(),
        listing_day=listing_day,
        first_days=_first_days(instrument, listing_day),
        aliases=aliases,
        changes=changes,
        sectors=list(
            SectorMember.objects.filter(instrument=instrument, valid_to=None, sector__retired_on=None)
            .order_by("sector__name")
            .values_list("sector__name", flat=True)
        ),
        weights=list(
            IndexWeight.objects.filter(instrument=instrument, valid_to=None).select_related("index").order_by("-weight")
        ),
        figures=_figures(instrument, today),
        factors=list(DividendFactor.objects.filter(instrument=instrument).order_by("-date")[:MAX_FACTORS]),
    )


def _today() -> tuple[str, date | None]:
    try:
        host = data_host()
        return host, market_clock(host).trade_date
    except Unavailable:
        return "", None


def _first_days(instrument: Instrument, listing_day: int | None) -> rules.ListingRow | None:
    if instrument.list_date is None or listing_day is None:
        return None
    row = rules.first_days_row(CodeBoard(instrument.board), instrument.list_date)
    return row if row is not None and listing_day <= row.days else None


def _figures(instrument: Instrument, today: date | None) -> list[Figure]:
    """The newest announced value of each; a restatement counts from its own announcement on."""
    tables = list(dict.fromkeys(table for table, _item in FIGURES))
    rows = financials(instruments=[instrument], tables=tables, as_of=today)
    newest: dict[str, FinancialReport] = {}
    for row in rows.order_by("report_date", "announced_on"):
        newest[row.table] = row
    found = []
    for table, item in FIGURES:
        report = newest.get(table)
        value = report.values.get(item) if report is not None else None
        if report is not None and isinstance(value, int | float):
            found.append(Figure(item, float(value), report.report_date, report.announced_on))
    return found
