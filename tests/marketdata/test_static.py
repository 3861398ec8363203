"""Static data: calendar, sectors, instruments, facts of the day, factors."""

from __future__ import annotations

from dataclasses import replace
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
    InstrumentAlias,
    InstrumentChange,
    InstrumentDay,
    Sector,
    SectorMember,
    TradingDay,
)
from marketdata.reference_selectors import sector_members
from marketdata.selectors import instrument_day, instrument_get
from marketdata.services.facts import pinyin_initials
from marketdata.services.sectors import sector_backfill
from marketdata.services.static import StaticSummary, static_sync
from ops.clocks import wall_now
from ops.errors import Code, Unavailable
from qmt.calendar import Phase
from qmt.gateway import ClockReading
from qmt.gateway import DividendFactor as TerminalFactor
from tests.marketdata.conftest import MAOTAI, PINGAN
from tests.marketdata.fakes import TODAY, WEEK, FakeTerminal, detail

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

READING = ClockReading(TODAY, Phase.CONTINUOUS, 0, 0, simulated=True)


LATER = date(2023, 3, 21)


def sync(terminal: FakeTerminal, basis: Basis = Basis.RAW, *, day: date = TODAY) -> StaticSummary:
    reading = replace(READING, trade_date=day)
    return static_sync(gateway=terminal, host="sim", reading=reading, sdk_version="250807.1.2", basis=basis)


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
    sync(terminal, day=LATER)
    assert sector_members("上证50", TODAY) == [MAOTAI]
    assert sector_members("上证50", LATER) == [PINGAN]
    assert sector_members("新", LATER) == [MAOTAI]
    gone = Sector.objects.get(name="沪深A股")
    assert gone.retired_on == LATER
    assert sector_members("沪深A股", TODAY) == [PINGAN, MAOTAI]
    assert sector_members("沪深A股", LATER) == []


def test_static_sector_correction_within_a_day_leaves_no_trace(terminal: FakeTerminal) -> None:
    sync(filled(terminal))
    terminal.sector_lists["上证50"] = [PINGAN]
    sync(terminal)
    assert list(SectorMember.objects.filter(sector__name="上证50").values_list("instrument__symbol", "valid_to")) == [
        (PINGAN, None)
    ]


def test_static_suddenly_empty_sector_keeps_its_members(terminal: FakeTerminal) -> None:
    sync(filled(terminal))
    terminal.sector_lists["上证50"] = []
    sync(terminal, day=LATER)
    assert sector_members("上证50", LATER) == [MAOTAI]


def test_static_members_before_they_were_known_are_refused(terminal: FakeTerminal) -> None:
    sync(filled(terminal))
    with pytest.raises(Unavailable) as refusal:
        sector_members("上证50", WEEK[0])
    assert refusal.value.code == Code.DATA_UNAVAILABLE
    assert refusal.value.details == {"known_since": TODAY.isoformat()}


def test_static_backfill_extends_memberships_into_the_past(terminal: FakeTerminal) -> None:
    sync(filled(terminal))
    sector = Sector.objects.get(name="上证50")
    sector_backfill(sector=sector, members={WEEK[0]: [PINGAN, MAOTAI], WEEK[1]: [MAOTAI]})
    assert sector_members("上证50", WEEK[0]) == [PINGAN, MAOTAI]
    assert sector_members("上证50", WEEK[1]) == [MAOTAI]
    assert sector_members("上证50", TODAY) == [MAOTAI]
    assert SectorMember.objects.filter(sector=sector, instrument__symbol=MAOTAI).count() == 1


def test_static_changed_name_and_st_mark_become_history(terminal: FakeTerminal) -> None:
    sync(filled(terminal))
    sync(filled(terminal, name="*ST茅台"), day=LATER)
    row = Instrument.objects.get(symbol=MAOTAI)
    changes = InstrumentChange.objects.filter(instrument=row).order_by("field")
    assert [(one.field, one.before, one.after, one.date, one.host) for one in changes] == [
        ("is_st", "False", "True", LATER, "sim"),
        ("name", "贵州茅台", "*ST茅台", LATER, "sim"),
    ]
    alias = InstrumentAlias.objects.get(instrument=row)
    assert (alias.kind, alias.text, alias.valid_from, alias.valid_to) == ("NAME", "贵州茅台", None, TODAY)


def test_static_mark_of_the_ex_date_is_no_change(terminal: FakeTerminal) -> None:
    sync(filled(terminal))
    sync(filled(terminal, name="XD贵州茅台"), day=LATER)
    assert not InstrumentChange.objects.exists()


def test_static_new_code_of_a_known_share_keeps_its_id_and_finds_it_by_the_old_one(terminal: FakeTerminal) -> None:
    listed = WEEK[0]
    terminal.details = {"830799.BJ": detail("830799.BJ", name="艾融软件", list_date=listed)}
    terminal.sector_lists = {"北交所": ["830799.BJ"]}
    sync(terminal)
    before = Instrument.objects.get(symbol="830799.BJ")
    terminal.details = {"920799.BJ": detail("920799.BJ", name="艾融软件", list_date=listed)}
    terminal.sector_lists = {"北交所": ["920799.BJ"]}
    sync(terminal, day=LATER)
    assert Instrument.objects.get().pk == before.pk
    assert instrument_get("830799.BJ").symbol == "920799.BJ"
    assert InstrumentChange.objects.get(field="symbol").after == "920799.BJ"


def test_static_two_fitting_shares_are_not_taken_for_one_another(terminal: FakeTerminal) -> None:
    listed = WEEK[0]
    old = {symbol: detail(symbol, name="同名", list_date=listed) for symbol in ("830799.BJ", "830800.BJ")}
    terminal.details, terminal.sector_lists = old, {"北交所": list(old)}
    sync(terminal)
    terminal.details = {"920799.BJ": detail("920799.BJ", name="同名", list_date=listed)}
    terminal.sector_lists = {"北交所": ["920799.BJ"]}
    sync(terminal, day=LATER)
    assert Instrument.objects.count() == 3


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
