"""Back-tests as rows: asked for, run from the store, stored, given up, removed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.actors import actor_for_user
from accounts.models import QmtHost, User
from marketdata.models import Instrument, InstrumentChange
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, DeskError, Invalid, NotFound, Unavailable
from ops.models import AuditEvent, Job
from tests.backtest.conftest import DAYS
from tests.backtest.tapes import A, B
from trading.backtest.loading import Wanted, load
from trading.backtest.models import Backtest
from trading.backtest.services import backtest_cancel, backtest_remove, backtest_start, backtest_start_here
from trading.backtest.services.run import backtest_run
from trading.strategies.models import Plugin

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


def body(**changes: Any) -> dict[str, Any]:
    return {
        "strategy": "ma-crossover",
        "symbols": [A, B],
        "period": "1d",
        "start": DAYS[12].isoformat(),
        "end": DAYS[-1].isoformat(),
        "capital": "100000",
        "parameters": {"fast": 2, "slow": 5},
        "benchmark": B,
    } | changes


def ran(user: User, **changes: Any) -> Backtest:
    row = backtest_start_here(actor=actor_for_user(user), owner=user, body=body(**changes))
    return backtest_run(row.pk)


def test_run_is_stored_with_its_report(market: QmtHost, plugin: Plugin, alice: User) -> None:
    row = ran(alice)
    assert (row.state, row.code, row.message) == ("DONE", "", "")
    days = list(row.days.order_by("day"))
    assert [day.day for day in days] == DAYS[12:]
    profit = sum((trip.proceeds + trip.income - trip.cost for trip in row.trips.all()), Decimal(0))
    assert profit == days[-1].cash + days[-1].holdings - row.capital
    assert profit == sum((Decimal(rule["profit_entered"]) for rule in row.rules), Decimal(0))
    assert row.figures["orders"]["fills"] == row.trades.count() > 0
    assert row.figures["comparison"]["beta"] is not None
    assert days[0].compared is not None
    assert {rule["reason"] for rule in row.rules} == {"cross above", "cross below"}
    assert row.lines[0]["text"] == "following"
    assert (len(row.data_digest), row.source["basis"], row.source["missing_days"]) == (64, "raw", 0)


def test_the_same_again_gives_the_same_again(market: QmtHost, plugin: Plugin, alice: User) -> None:
    first, second = ran(alice), ran(alice)
    assert (first.data_digest, first.code_version, first.figures) == (
        second.data_digest,
        second.code_version,
        second.figures,
    )
    fields = ("asked_ts", "symbol", "side", "quantity", "filled", "average_price", "code")
    assert list(first.orders.values_list(*fields)) == list(second.orders.values_list(*fields))


def test_other_parameters_decide_otherwise_on_the_same_bars(market: QmtHost, plugin: Plugin, alice: User) -> None:
    first, second = ran(alice), ran(alice, parameters={"fast": 3, "slow": 5})
    assert first.data_digest == second.data_digest
    assert first.figures != second.figures


def test_failing_strategy_leaves_its_trace_and_nothing_else(market: QmtHost, plugin: Plugin, alice: User) -> None:
    row = ran(alice, parameters={"fast": 9, "slow": 5})
    assert (row.state, row.code) == ("FAILED", "STRATEGY_FAILED")
    assert "the fast average has to be shorter" in row.message
    assert not row.days.exists()


def test_changed_source_is_not_run(market: QmtHost, plugin: Plugin, alice: User) -> None:
    row = backtest_start_here(actor=actor_for_user(alice), owner=alice, body=body())
    Plugin.objects.filter(pk=plugin.pk).update(digest="0" * 64)
    row = backtest_run(row.pk)
    assert (row.state, row.code) == ("FAILED", "STRATEGY_UNUSABLE")


def test_missing_bars_are_refused_unless_gaps_are_accepted(market: QmtHost, alice: User) -> None:
    Instrument.objects.filter(symbol=A).update(delist_date=None)
    lonely = Instrument.objects.get(symbol=A)
    lonely.pk, lonely.symbol = None, "600000.SH"
    lonely.save()
    wanted = Wanted([A, "600000.SH"], "1d", DAYS[10], DAYS[-1], warm_up=0)
    with pytest.raises(Unavailable) as refused:
        load(wanted, wait_seconds=0)
    assert (refused.value.code, refused.value.details["missing_days"]) == (Code.DATA_UNAVAILABLE, 31)
    accepted = Wanted(wanted.symbols, "1d", DAYS[10], DAYS[-1], warm_up=0, accept_gaps=True)
    assert load(accepted, wait_seconds=0).missing_days == 31


def test_day_that_is_not_closed_is_refused(market: QmtHost) -> None:
    with pytest.raises(Invalid) as refused:
        load(Wanted([A], "1d", DAYS[0], DAYS[-1].replace(year=2030), warm_up=0))
    assert refused.value.code == Code.RANGE_IN_FUTURE


def test_st_share_of_the_past_is_told_by_its_recorded_changes(market: QmtHost) -> None:
    InstrumentChange.objects.create(
        instrument=Instrument.objects.get(symbol=A),
        date=DAYS[20],
        field="is_st",
        before="True",
        after="False",
        host="sim",
        recorded_at=wall_now(),
    )
    loaded = load(Wanted([A, B], "1d", DAYS[10], DAYS[-1], warm_up=3))
    assert [stretch[1] for stretch in loaded.tape.series[0].st_days] == [True, False]
    assert [stretch[1] for stretch in loaded.tape.series[1].st_days] == [False]
    assert (loaded.tape.first, len(loaded.tape)) == (3, 30)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"strategy": None}, Code.FIELD_REQUIRED, "strategy"),
        ({"strategy": "nothing"}, Code.STRATEGY_NOT_FOUND, "strategy"),
        ({"symbols": []}, Code.FIELD_INVALID, "symbols"),
        ({"symbols": ["999999.SH"]}, Code.SYMBOL_UNKNOWN, "symbols"),
        ({"period": "1w"}, Code.PERIOD_NOT_AVAILABLE, "period"),
        ({"start": "20240101"}, Code.FIELD_INVALID, "start"),
        ({"start": "2024-02-30"}, Code.FIELD_INVALID, "start"),
        ({"end": "2024-01-01"}, Code.RANGE_REVERSED, "start"),
        ({"capital": "1e400"}, Code.FIELD_INVALID, "capital"),
        ({"capital": 0.5}, Code.FIELD_INVALID, "capital"),
        ({"parameters": {"fast": 0}}, Code.FIELD_INVALID, "parameters.fast"),
        ({"settings": {"participation": "2"}}, Code.FIELD_INVALID, "settings.participation"),
        ({"settings": {"participation": float("nan")}}, Code.FIELD_INVALID, "settings.participation"),
        ({"settings": {"slippage_bp": True}}, Code.FIELD_INVALID, "settings.slippage_bp"),
        ({"settings": {"leverage": 2}}, Code.FIELD_UNKNOWN, "settings.leverage"),
        ({"commission": 1}, Code.FIELD_UNKNOWN, "commission"),
    ],
)
def test_malformed_back_test_is_refused_and_stores_nothing(
    market: QmtHost, plugin: Plugin, alice: User, changes: dict[str, Any], code: Code, field: str
) -> None:
    with pytest.raises(DeskError) as refused:
        backtest_start(actor=actor_for_user(alice), owner=alice, body=body(**changes))
    assert (refused.value.code, refused.value.field) == (code, field)
    assert not Backtest.objects.exists()
    assert not Job.objects.exists()


def test_start_makes_a_job_wakes_a_worker_and_is_audited(
    market: QmtHost, plugin: Plugin, alice: User, wakes: list[object], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        row = backtest_start(actor=actor_for_user(alice), owner=alice, body=body())
    assert wakes == [row.job]
    assert Job.objects.get().owner == alice.pk
    event = AuditEvent.objects.get(action="backtest.started")
    assert event.target == f"backtest:{row.pk}"
    assert (event.after or {})["version"] == plugin.digest


def test_cancel_ends_the_row_and_its_job_once(
    market: QmtHost, plugin: Plugin, alice: User, wakes: list[object]
) -> None:
    actor: Actor = actor_for_user(alice)
    row = backtest_cancel(actor=actor, row=backtest_start(actor=actor, owner=alice, body=body()))
    assert (row.state, Job.objects.get().status) == ("CANCELLED", Job.Status.CANCELLED)
    with pytest.raises(Conflict) as refused:
        backtest_cancel(actor=actor, row=row)
    assert refused.value.code == Code.JOB_ENDED


def test_remove_takes_the_rows_along_but_never_while_it_runs(market: QmtHost, plugin: Plugin, alice: User) -> None:
    actor = actor_for_user(alice)
    running = backtest_start_here(actor=actor, owner=alice, body=body())
    with pytest.raises(Conflict):
        backtest_remove(actor=actor, row=running)
    backtest_remove(actor=actor, row=backtest_run(running.pk))
    assert not Backtest.objects.exists()


def test_only_so_many_wait_at_once(market: QmtHost, plugin: Plugin, alice: User, wakes: list[object]) -> None:
    actor = actor_for_user(alice)
    for _ in range(10):
        backtest_start(actor=actor, owner=alice, body=body())
    with pytest.raises(Conflict):
        backtest_start(actor=actor, owner=alice, body=body())


def test_unknown_benchmark_is_refused(market: QmtHost, plugin: Plugin, alice: User) -> None:
    with pytest.raises((Invalid, NotFound)) as refused:
        backtest_start(actor=actor_for_user(alice), owner=alice, body=body(benchmark="000300.SH"))
    assert refused.value.code == Code.SYMBOL_UNKNOWN
