"""Static data: calendar, sectors, instruments, facts of the day, factors."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from marketdata.choices import Basis, EvidenceReason
from marketdata.models import (
    DataSource,
    DividendFactor,
    Evidence,
    Instrument,
    InstrumentDay,
    Sector,
    SectorMember,
    TradingDay,
)
from marketdata.selectors import instrument_day
from marketdata.services.facts import pinyin_initials
from marketdata.services.static import StaticSummary, static_sync
from ops.clocks import wall_now
from qmt.calendar import Phase
from qmt.gateway import ClockReading
from qmt.gateway import DividendFactor as TerminalFactor
from tests.marketdata.conftest import MAOTAI, PINGAN
from tests.marketdata.fakes import TODAY, WEEK, FakeTerminal, detail

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

READING = ClockReading(TODAY, Phase.CONTINUOUS, 0, 0, simulated=True)


def sync(terminal: FakeTerminal, basis: Basis = Basis.RAW) -> StaticSummary:
    return static_sync(gateway=terminal, host="sim", reading=READING, sdk_version="250807.1.2", basis=basis)


def filled(terminal: FakeTerminal, **changes: Any) -> FakeTerminal:
    terminal.details = {MAOTAI: detail(MAOTAI, **changes), PINGAN: detail(PINGAN, name="平安银行")}
    terminal.sector_lists = {"沪深A股": [MAOTAI, PINGAN, "900901.SH"], "上证50": [MAOTAI]}
    return terminal


def factor(day: date, interest: str) -> TerminalFactor:
    zero = Decimal(0)
    return TerminalFactor(MAOTAI, day, Decimal(interest), zero, zero, zero, zero, zero, Decimal("1.01"))


def test_static_stores_instruments_with_pinyin_and_todays_limits(terminal: FakeTerminal) -> None:
    sync(filled(terminal))
    row = Instrument.objects.get(symbol=MAOTAI)
    assert (row.name, row.pinyin, row.board, row.kind) == ("贵州茅台", "gzmt", "MAIN", "STOCK")
    assert (row.lot_size, row.min_quantity, row.quantity_step, row.tick) == (100, 100, 100, Decimal("0.01"))
    day = InstrumentDay.objects.get(instrument=row)
    assert (day.trade_date, day.limit_up, day.limit_down, day.source) == (
        TODAY,
        Decimal(11),
        Decimal(9),
        "terminal",
    )


def test_static_leaves_b_shares_out(terminal: FakeTerminal) -> None:
    sync(filled(terminal))
    assert list(Instrument.objects.values_list("symbol", flat=True)) == [PINGAN, MAOTAI]


def test_static_repeated_keeps_the_instrument_ids(terminal: FakeTerminal) -> None:
    sync(filled(terminal))
    ids = dict(Instrument.objects.values_list("symbol", "pk"))
    sync(filled(terminal, name="贵州茅台酒"))
    assert dict(Instrument.objects.values_list("symbol", "pk")) == ids
    assert Instrument.objects.get(symbol=MAOTAI).pinyin == "gzmtj"


def test_static_follows_sector_changes(terminal: FakeTerminal) -> None:
    sync(filled(terminal))
    terminal.sector_lists = {"上证50": [PINGAN], "新": [MAOTAI]}
    sync(terminal)
    members = SectorMember.objects.values_list("sector__name", "instrument__symbol")
    assert set(members) == {("上证50", PINGAN), ("新", MAOTAI)}
    assert Sector.objects.count() == 2


def test_static_terminal_is_right_about_its_own_days(terminal: FakeTerminal) -> None:
    extra = date(2023, 3, 14)
    TradingDay.objects.create(market="SH", date=date(2023, 3, 18))
    terminal.days = [day for day in (*WEEK, TODAY) if day != extra]
    sync(filled(terminal))
    stored = set(TradingDay.objects.filter(market="SH").values_list("date", flat=True))
    assert extra not in stored
    assert date(2023, 3, 18) not in stored
    # Outside the terminal's span: the published calendar, from the exchange's first day on.
    assert date(2023, 3, 10) in stored
    assert min(stored) == date(1990, 12, 19)


def test_static_stale_terminal_facts_stay_visibly_stale(terminal: FakeTerminal) -> None:
    sync(filled(terminal, trade_date=WEEK[4]))
    row = Instrument.objects.get(symbol=MAOTAI)
    assert instrument_day(row, TODAY) is None
    assert instrument_day(row, WEEK[4]) is not None


def test_static_limits_the_terminal_is_silent_about_come_from_the_rules(terminal: FakeTerminal) -> None:
    sync(filled(terminal, limit_up=Decimal(0), limit_down=Decimal(0), pre_close=Decimal("10.05")))
    day = InstrumentDay.objects.get(instrument__symbol=MAOTAI)
    # 10.05 × 1.1 = 11.055, half-up to the cent; 10.05 × 0.9 = 9.045.
    assert (day.limit_up, day.limit_down, day.source) == (Decimal("11.06"), Decimal("9.05"), "rules")


def test_static_new_listing_without_limits_stays_without(terminal: FakeTerminal) -> None:
    sync(filled(terminal, limit_up=Decimal(0), limit_down=Decimal(0), list_date=WEEK[3]))
    day = InstrumentDay.objects.get(instrument__symbol=MAOTAI)
    assert (day.limit_up, day.limit_down) == (None, None)


def test_static_factors_are_replaced_and_forget_the_evidence(terminal: FakeTerminal) -> None:
    terminal.events = {MAOTAI: [factor(WEEK[1], "0.5")]}
    sync(filled(terminal))
    row = Instrument.objects.get(symbol=MAOTAI)
    assert DividendFactor.objects.get().interest == 0.5
    evidence(row)
    sync(terminal)
    assert Evidence.objects.count() == 1  # nothing changed
    terminal.events = {MAOTAI: [factor(WEEK[1], "0.6")]}
    sync(terminal)
    assert DividendFactor.objects.get().interest == 0.6
    assert Evidence.objects.count() == 0


def test_static_changed_listing_date_forgets_the_evidence(terminal: FakeTerminal) -> None:
    sync(filled(terminal))
    evidence(Instrument.objects.get(symbol=MAOTAI))
    sync(filled(terminal, delist_date=WEEK[2]))
    assert Evidence.objects.count() == 0


def test_static_front_adjusted_source_has_no_factors(terminal: FakeTerminal) -> None:
    terminal.events = {MAOTAI: [factor(WEEK[1], "0.5")]}
    sync(filled(terminal))
    summary = sync(filled(terminal), Basis.FRONT_ADJUSTED)
    assert summary.factors == 0
    assert DividendFactor.objects.count() == 0
    source = DataSource.objects.get(host="sim")
    assert (source.basis, source.static_trade_date, source.simulated) == ("FRONT_ADJUSTED", TODAY, True)


@pytest.mark.parametrize(
    ("name", "initials"),
    [("贵州茅台", "gzmt"), ("*ST国华", "stgh"), ("TCL科技", "tclkj"), ("长安汽车", "caqc")],
)
def test_pinyin_initials_are_what_people_type(name: str, initials: str) -> None:
    assert pinyin_initials(name) == initials


@pytest.mark.parametrize(
    ("symbol", "board", "kind", "t_plus", "minimum", "step"),
    [
        ("688981.SH", "STAR", "STOCK", 1, 200, 1),
        ("300750.SZ", "CHINEXT", "STOCK", 1, 100, 100),
        ("920002.BJ", "BSE", "STOCK", 1, 100, 1),
        ("510300.SH", "ETF", "ETF", 1, 100, 100),
        ("518880.SH", "ETF", "ETF", 0, 100, 100),
        ("113050.SH", "CONVERTIBLE", "CONVERTIBLE", 0, 10, 10),
    ],
)
def test_static_silent_terminal_leaves_sizes_to_the_rules(
    terminal: FakeTerminal, symbol: str, board: str, kind: str, t_plus: int, minimum: int, step: int
) -> None:
    silent = detail(symbol, min_limit_quantity=0, max_limit_quantity=0, tick=Decimal(0))
    terminal.details, terminal.sector_lists = {symbol: silent}, {"all": [symbol]}
    sync(terminal)
    row = Instrument.objects.get(symbol=symbol)
    assert (row.board, row.kind, row.t_plus, row.min_quantity, row.quantity_step) == (
        board,
        kind,
        t_plus,
        minimum,
        step,
    )
    assert row.max_limit_quantity > 0
    assert row.tradable


def evidence(instrument: Instrument) -> None:
    Evidence.objects.create(
        instrument=instrument,
        period="1d",
        start_date=WEEK[0],
        end_date=WEEK[0],
        reason=EvidenceReason.SOURCE_EMPTY,
        host="sim",
        recorded_at=wall_now(),
        recheck_at=wall_now(),
    )
