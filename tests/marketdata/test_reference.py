"""Index weights, statements, bonds, baskets, new issues: stored with their dates, read as of a day, refreshed by a job."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from marketdata import reference_selectors as read
from marketdata.choices import Basis, Board, Kind
from marketdata.models import ConvertibleBond, FinancialReport, FundBasket, IndexWeight, Instrument, NewIssue, Sector
from marketdata.services.financials import financials_sync
from marketdata.services.reference import baskets_sync, bonds_sync, issues_sync, weights_sync
from marketdata.services.refresh import StaticPart, StaticSource, lists_sync, refresh_request, refresh_run
from ops.clocks import wall_now
from ops.errors import Code, Invalid, NotFound, Unavailable
from ops.models import Job
from qmt.calendar import Phase
from qmt.errors import QueryFailed, TerminalDown
from qmt.gateway import ClockReading
from qmt.reference import ConvertibleTerms, EtfBasket, EtfComponent, FinancialRow, FinancialTable, IpoInfo
from tests.marketdata.conftest import MAOTAI, PINGAN, instrument
from tests.marketdata.fake_reference import FakeReference
from tests.marketdata.fakes import TODAY, FakeTerminal

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

LATER = date(2023, 3, 21)
INCOME = FinancialTable.INCOME
ANNUAL = date(2022, 12, 31)


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketdata.services.refresh.repair_wake", lambda _job, _host: True)


@pytest.fixture
def reference() -> FakeReference:
    return FakeReference()


@pytest.fixture
def index(db: None) -> Instrument:
    return instrument("000016.SH", name="上证50", kind=Kind.INDEX, board=Board.INDEX)


def statement(announced: date | None, profit: float, *, period: date = ANNUAL) -> FinancialRow:
    return FinancialRow(MAOTAI, INCOME, period, announced, 0, {"revenue": 100.0, "net_profit": profit})


def profits(as_of: date | None) -> list[float]:
    rows = read.financials(instruments=[Instrument.objects.get(symbol=MAOTAI)], tables=[INCOME], as_of=as_of)
    return [row.values["net_profit"] for row in rows.order_by("report_date", "announced_on")]


# ---------------------------------------------------------------------------------- weights
def test_weights_end_and_begin_when_they_change(
    reference: FakeReference, index: Instrument, maotai: Instrument, pingan: Instrument
) -> None:
    reference.weights = {index.symbol: {MAOTAI: Decimal(60), PINGAN: Decimal(40)}}
    weights_sync(reference=reference, day=TODAY)
    reference.weights = {index.symbol: {MAOTAI: Decimal(100), "688001.SH": Decimal(1)}}
    assert weights_sync(reference=reference, day=LATER) == 3
    assert dict(read.index_weights(index, TODAY).values_list("instrument__symbol", "weight")) == {
        MAOTAI: Decimal(60),
        PINGAN: Decimal(40),
    }
    assert dict(read.index_weights(index, LATER).values_list("instrument__symbol", "weight")) == {MAOTAI: Decimal(100)}


def test_weights_unchanged_write_nothing(reference: FakeReference, index: Instrument, maotai: Instrument) -> None:
    reference.weights = {index.symbol: {MAOTAI: Decimal(100)}}
    weights_sync(reference=reference, day=TODAY)
    assert weights_sync(reference=reference, day=LATER) == 0
    assert IndexWeight.objects.get().valid_to is None


def test_weights_of_a_silent_terminal_stay(reference: FakeReference, index: Instrument, maotai: Instrument) -> None:
    reference.weights = {index.symbol: {MAOTAI: Decimal(100)}}
    weights_sync(reference=reference, day=TODAY)
    reference.weights = {}
    weights_sync(reference=reference, day=LATER)
    assert read.index_weights(index, LATER).count() == 1


def test_weights_a_terminal_of_yesterday_rewrites_nothing(
    reference: FakeReference, index: Instrument, maotai: Instrument
) -> None:
    reference.weights = {index.symbol: {MAOTAI: Decimal(100)}}
    weights_sync(reference=reference, day=LATER)
    reference.weights = {index.symbol: {MAOTAI: Decimal(50)}}
    assert weights_sync(reference=reference, day=TODAY) == 0


def test_weights_before_they_were_known_are_refused(index: Instrument) -> None:
    with pytest.raises(Unavailable) as refusal:
        read.index_weights(index, TODAY)
    assert refusal.value.code == Code.DATA_UNAVAILABLE


# ------------------------------------------------------------------------------- statements
def test_statements_as_of_a_day_know_nothing_later(reference: FakeReference, maotai: Instrument) -> None:
    reference.rows = [statement(date(2023, 3, 28), 50.0), statement(date(2024, 3, 20), 48.0)]
    assert financials_sync(reference=reference, symbols=[MAOTAI]) == 2
    assert profits(date(2023, 3, 27)) == []
    assert profits(date(2023, 3, 28)) == [50.0]
    assert profits(date(2024, 3, 20)) == [48.0]
    assert profits(None) == [50.0, 48.0]


def test_statements_without_announcement_are_never_known_as_of_a_day(
    reference: FakeReference, maotai: Instrument
) -> None:
    reference.rows = [statement(None, 50.0)]
    financials_sync(reference=reference, symbols=[MAOTAI])
    assert profits(date(2030, 1, 1)) == []
    assert profits(None) == [50.0]


def test_statements_repeated_are_stored_once(reference: FakeReference, maotai: Instrument) -> None:
    reference.rows = [statement(None, 50.0), statement(date(2023, 3, 28), 50.0)]
    financials_sync(reference=reference, symbols=[MAOTAI])
    assert financials_sync(reference=reference, symbols=[MAOTAI]) == 0
    assert FinancialReport.objects.count() == 2


def test_statement_corrected_in_silence_keeps_the_first_version(reference: FakeReference, maotai: Instrument) -> None:
    reference.rows = [statement(date(2023, 3, 28), 50.0)]
    financials_sync(reference=reference, symbols=[MAOTAI])
    reference.rows = [statement(date(2023, 3, 28), 49.0)]
    assert financials_sync(reference=reference, symbols=[MAOTAI]) == 1
    assert profits(date(2023, 3, 28)) == [49.0]
    kept = FinancialReport.objects.exclude(superseded_at=None).get()
    assert kept.values["net_profit"] == 50.0


# ---------------------------------------------------------------------- bonds, funds, issues
def terms(price: str, **analysis: float) -> ConvertibleTerms:
    return ConvertibleTerms(
        "113052.SH",
        "兴业转债",
        "601166.SH",
        Decimal(price),
        Decimal("1e10"),
        date(2027, 12, 26),
        None,
        None,
        {"bondConvPrice": float(price), **analysis},
    )


def test_bond_terms_follow_the_conversion_price_not_the_days_analysis(reference: FakeReference, db: None) -> None:
    instrument("113052.SH", kind=Kind.CONVERTIBLE, board=Board.CONVERTIBLE)
    reference.bonds = [terms("25.51", analYTM=1.0)]
    bonds_sync(reference=reference, day=TODAY)
    reference.bonds = [terms("25.51", analYTM=2.0)]
    assert bonds_sync(reference=reference, day=date(2023, 3, 21)) == 0
    reference.bonds = [terms("24.48")]
    assert bonds_sync(reference=reference, day=date(2023, 3, 22)) == 1
    assert [
        (row.conversion_price, row.valid_from, row.valid_to) for row in ConvertibleBond.objects.order_by("valid_from")
    ] == [
        (Decimal("25.5100"), TODAY, date(2023, 3, 21)),
        (Decimal("24.4800"), date(2023, 3, 22), None),
    ]
    assert read.bond_terms(TODAY).get().conversion_price == Decimal("25.51")


def test_basket_is_stored_under_its_own_date(reference: FakeReference, db: None) -> None:
    fund = instrument("510050.SH", kind=Kind.ETF, board=Board.ETF)
    component = EtfComponent(MAOTAI, "贵州茅台", 100, 1, 0.1, 0.0, 0.1, 0.0)
    basket = EtfBasket("510050.SH", "上证50ETF", TODAY, 900_000, 3.0, 12.5, 12.0, {"是否": 1}, (component,))
    reference.baskets = [basket]
    baskets_sync(reference=reference, day=LATER)
    assert baskets_sync(reference=reference, day=LATER) == 1
    row = FundBasket.objects.get()
    assert (row.trade_date, row.unit, row.components[0]["quantity"]) == (TODAY, 900_000, 100)
    assert read.fund_basket(fund, LATER) == row
    with pytest.raises(NotFound) as refusal:
        read.fund_basket(fund, date(2023, 3, 19))
    assert refusal.value.code == Code.BASKET_NOT_FOUND


def issue(listed: date | None) -> IpoInfo:
    return IpoInfo(
        "688001.SH",
        "新股",
        "787001",
        date(2023, 3, 14),
        listed,
        None,
        None,
        Decimal("12.34"),
        10,
        4,
        500,
        9500,
        {"a": 1},
    )


def test_new_issue_keeps_the_day_it_was_first_seen(reference: FakeReference, db: None) -> None:
    reference.issues = [issue(None)]
    issues_sync(reference=reference, day=TODAY)
    reference.issues = [issue(date(2023, 3, 24))]
    issues_sync(reference=reference, day=LATER)
    row = NewIssue.objects.get()
    assert (row.first_seen_on, row.listed_on, row.price) == (TODAY, date(2023, 3, 24), Decimal("12.34"))
    assert not read.new_issues(date(2023, 3, 15), None).exists()


# ------------------------------------------------------------------------------------- jobs
def source(terminal: FakeTerminal) -> StaticSource:
    reading = ClockReading(TODAY, Phase.CONTINUOUS, 0, 0, simulated=True)
    return StaticSource(terminal, "sim", reading, "250807.1.2", Basis.RAW)


class Refusing(FakeReference):
    """A terminal whose account has no right to bonds."""

    def convertibles(self, symbols: object) -> list[ConvertibleTerms]:
        raise QueryFailed("没有权限")


def test_lists_one_that_fails_leaves_the_others(index: Instrument, maotai: Instrument) -> None:
    reference = Refusing(weights={index.symbol: {MAOTAI: Decimal(100)}})
    done = lists_sync(reference=reference, day=TODAY)
    assert done.failures == {"bonds": "没有权限"}
    assert done.counts == {"index_weights": 1, "baskets": 0, "new_issues": 0}


def test_refresh_job_stores_statements_and_ends_done(terminal: FakeTerminal, maotai: Instrument) -> None:
    terminal.reference.rows = [statement(date(2023, 3, 28), 50.0)]
    job = refresh_request(host="sim", parts=[StaticPart.FINANCIALS], symbols=[MAOTAI])
    assert refresh_run(source(terminal), holder="data@test")
    job.refresh_from_db()
    assert (job.status, job.result["counts"]) == ("DONE", {"financials": 1})
    assert not refresh_run(source(terminal), holder="data@test")


def test_refresh_asked_twice_is_one_job(maotai: Instrument) -> None:
    first = refresh_request(host="sim", parts=[StaticPart.LISTS])
    assert refresh_request(host="sim", parts=[StaticPart.LISTS]).pk == first.pk


def test_refresh_of_another_host_is_left_alone(terminal: FakeTerminal, maotai: Instrument) -> None:
    refresh_request(host="other", parts=[StaticPart.LISTS])
    assert not refresh_run(source(terminal), holder="data@test")


def test_refresh_failing_download_fails_the_job_with_its_words(terminal: FakeTerminal, maotai: Instrument) -> None:
    terminal.reference.failures = 1
    job = refresh_request(host="sim", parts=[StaticPart.FINANCIALS], symbols=[MAOTAI])
    refresh_run(source(terminal), holder="data@test")
    job.refresh_from_db()
    assert (job.status, job.error) == ("FAILED", "DownloadFailed: 服务器繁忙")


def test_refresh_cut_short_is_taken_up_again(terminal: FakeTerminal, maotai: Instrument) -> None:
    job = refresh_request(host="sim", parts=[StaticPart.FINANCIALS], symbols=[MAOTAI])

    def lost() -> None:
        raise TerminalDown("lost")

    with pytest.raises(TerminalDown):
        refresh_run(source(terminal), holder="data@test", between=lost)
    job.refresh_from_db()
    assert job.status == Job.Status.PENDING
    assert refresh_run(source(terminal), holder="data@test")


def test_refresh_left_by_a_dead_worker_is_resumed(terminal: FakeTerminal, maotai: Instrument) -> None:
    job = refresh_request(host="sim", parts=[StaticPart.LISTS])
    Job.objects.filter(pk=job.pk).update(status=Job.Status.RUNNING, lease_until=wall_now() + timedelta(minutes=1))
    assert not refresh_run(source(terminal), holder="data@test")
    Job.objects.filter(pk=job.pk).update(lease_until=wall_now() - timedelta(minutes=1))
    assert refresh_run(source(terminal), holder="data@test")
    job.refresh_from_db()
    assert job.status == Job.Status.DONE


def test_refresh_cancelled_between_batches_stops(terminal: FakeTerminal, maotai: Instrument) -> None:
    job = refresh_request(host="sim", parts=[StaticPart.FINANCIALS], symbols=[MAOTAI])

    def cancel() -> None:
        Job.objects.filter(pk=job.pk).update(status=Job.Status.CANCELLED)

    assert refresh_run(source(terminal), holder="data@test", between=cancel)
    job.refresh_from_db()
    assert job.status == Job.Status.CANCELLED


def test_refresh_of_an_unknown_sector_names_it_and_asks_for_nothing(db: None) -> None:
    Sector.objects.create(name="上证50", known_since=date(2023, 3, 1), updated_at=wall_now())
    with pytest.raises(NotFound) as refusal:
        refresh_request(
            host="sim", parts=[StaticPart.SECTOR_HISTORY], sectors=["上证50", "上证5O"], since=date(2023, 1, 1)
        )
    assert (refusal.value.code, refusal.value.field) == ("SECTOR_NOT_FOUND", "sectors")
    assert refusal.value.details == {"sectors": ["上证5O"]}
    assert not Job.objects.exists()


def test_refresh_history_without_sectors_is_refused(db: None) -> None:
    with pytest.raises(Invalid) as refusal:
        refresh_request(host="sim", parts=[StaticPart.SECTOR_HISTORY])
    assert refusal.value.field == "sectors"
    assert not Job.objects.exists()
