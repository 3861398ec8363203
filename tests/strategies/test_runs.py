"""What people do with runs, over REST: make one, start it, stop it, look at it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import BrokerAccount, Grant, User
from ops.models import AuditEvent
from tests.orders.bench import MOUTAI, Bench, make_bench
from tests.people import signed_in
from tests.strategies.runs import make_plugin, make_run
from trading.strategies.choices import Level
from trading.strategies.models import Plugin, Run
from trading.strategies.runtime.store import LINES_KEPT, note
from trading.strategies.selectors import open_runs_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


@pytest.fixture
def plugin(db: None) -> Plugin:
    return make_plugin()


def client(user: User) -> Client:
    return signed_in(user)


def add(bench: Bench, **changes: Any) -> Any:
    body: dict[str, Any] = {
        "account": bench.account.pk,
        "strategy": "puppet",
        "symbols": [MOUTAI, "000001"],
        "period": "1d",
        "capital": "50000",
    }
    return client(bench.alice).post("/api/v1/strategy-runs", body | changes, content_type="application/json")


def act(user: User, run: Run, name: str) -> Any:
    return client(user).post(f"/api/v1/strategy-runs/{run.pk}/{name}")


def test_run_is_made_stopped_and_audited(bench: Bench, plugin: Plugin) -> None:
    answer = add(bench, parameters={"count": 5}, opens_at="09:30", closes_at="14:55")
    assert answer.status_code == 201
    run = Run.objects.get()
    shown = answer.json()
    assert (shown["symbols"], shown["label"], shown["capital"]) == ([MOUTAI, "000001.SZ"], "puppet", "50000.00")
    assert (shown["version"], shown["parameters"]) == (plugin.digest, {"count": 5})
    assert (shown["opens_at"], shown["closes_at"]) == ("09:30", "14:55")
    assert (run.state, run.wanted, run.created_by) == ("STOPPED", False, bench.alice)
    assert AuditEvent.objects.filter(action="strategy.run_added", target=f"strategy_run:{run.pk}").exists()


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"strategy": None}, 400, "FIELD_REQUIRED", "strategy"),
        ({"strategy": "other"}, 404, "STRATEGY_NOT_FOUND", "strategy"),
        ({"symbols": []}, 400, "FIELD_INVALID", "symbols"),
        ({"symbols": ["999999.SH"]}, 400, "SYMBOL_UNKNOWN", None),
        ({"symbols": [MOUTAI, "600519"]}, 400, "FIELD_INVALID", "symbols"),
        ({"period": None}, 400, "FIELD_REQUIRED", "period"),
        ({"period": "1w"}, 400, "PERIOD_NOT_AVAILABLE", "period"),
        ({"parameters": {"count": 10}}, 400, "FIELD_INVALID", "parameters.count"),
        ({"parameters": {"other": 1}}, 400, "FIELD_UNKNOWN", "parameters.other"),
        ({"capital": None}, 400, "FIELD_REQUIRED", "capital"),
        ({"capital": "0"}, 400, "FIELD_INVALID", "capital"),
        ({"capital": "1.001"}, 400, "FIELD_INVALID", "capital"),
        ({"capital": 10.5}, 400, "FIELD_INVALID", "capital"),
        ({"capital": "NaN"}, 400, "FIELD_INVALID", "capital"),
        ({"label": "x" * 49}, 400, "FIELD_INVALID", "label"),
        ({"opens_at": "09:30"}, 400, "FIELD_INVALID", "closes_at"),
        ({"opens_at": "14:00", "closes_at": "09:30"}, 400, "FIELD_INVALID", "closes_at"),
        ({"opens_at": "9.30", "closes_at": "15:00"}, 400, "FIELD_INVALID", "opens_at"),
        ({"speed": 1}, 400, "FIELD_UNKNOWN", "speed"),
    ],
)
def test_run_malformed_is_refused_and_not_made(
    bench: Bench, plugin: Plugin, changes: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    answer = add(bench, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if field is not None:
        assert answer.json()["field"] == field
    assert Run.objects.count() == 0


def test_run_of_a_version_with_a_problem_is_refused(bench: Bench) -> None:
    make_plugin(problem="SyntaxError: no")
    answer = add(bench)
    assert (answer.status_code, answer.json()["code"]) == (409, "STRATEGY_UNUSABLE")


def test_run_with_a_label_of_the_account_is_refused(bench: Bench, plugin: Plugin) -> None:
    assert add(bench).status_code == 201
    answer = add(bench)
    assert (answer.status_code, answer.json()["code"]) == (409, "NAME_TAKEN")


def test_start_and_stop_are_wishes_with_an_audit(bench: Bench, plugin: Plugin) -> None:
    run = make_run(bench.account, bench.alice, plugin=plugin)
    assert act(bench.alice, run, "start").json()["state"] == "STARTING"
    assert act(bench.alice, run, "start").status_code == 200
    run.refresh_from_db()
    assert (run.wanted, run.mode) == (True, "PAPER")
    assert act(bench.alice, run, "stop").status_code == 200
    run.refresh_from_db()
    assert run.wanted is False
    actions = AuditEvent.objects.filter(target=f"strategy_run:{run.pk}").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["strategy.started", "strategy.stopped"]


def test_start_of_somebody_elses_run_is_refused(bench: Bench, plugin: Plugin) -> None:
    run = make_run(bench.account, bench.alice, plugin=plugin)
    Grant.objects.filter(user=bench.team.bob).update(trade="ALL")
    answer = act(bench.team.bob, run, "start")
    assert (answer.status_code, answer.json()["code"]) == (403, "ORDER_NOT_YOURS")
    assert Run.objects.get().wanted is False


def test_start_without_automatic_trading_is_denied(bench: Bench, plugin: Plugin) -> None:
    run = make_run(bench.account, bench.alice, plugin=plugin)
    BrokerAccount.objects.update(auto_trading=False)
    answer = act(bench.alice, run, "start")
    assert (answer.status_code, answer.json()["code"]) == (422, "AUTO_TRADING_OFF")


def live(bench: Bench) -> BrokerAccount:
    """Alpha as an account of real money, as `accounts.services.live` would make it."""
    from accounts.models import LiveSwitch
    from ops.clocks import wall_now

    switch = LiveSwitch.objects.create(
        account=bench.account,
        switched_by=bench.team.admin,
        switched_at=wall_now(),
        host_name="sim",
        notice_version="1",
        notice_digest="0" * 64,
    )
    BrokerAccount.objects.filter(pk=bench.account.pk).update(mode="LIVE", live_switch=switch)
    bench.account.refresh_from_db()
    return bench.account


def test_start_on_a_live_account_takes_a_day_on_paper(bench: Bench, plugin: Plugin) -> None:
    run = make_run(live(bench), bench.alice, plugin=plugin)
    answer = act(bench.alice, run, "start")
    assert (answer.status_code, answer.json()["code"]) == (422, "STRATEGY_NEEDS_PAPER")
    assert Run.objects.get().wanted is False


@pytest.mark.parametrize(
    ("paper", "status"),
    [
        ({"bar_days": 1, "mode": "PAPER"}, 200),
        ({"bar_days": 0, "mode": "PAPER"}, 422),
        ({"bar_days": 5, "mode": "PAPER", "state": "FAULTED"}, 422),
        ({"bar_days": 5, "mode": "LIVE"}, 422),
    ],
)
def test_start_on_a_live_account_counts_days_on_paper_without_fault(
    bench: Bench, plugin: Plugin, paper: dict[str, Any], status: int
) -> None:
    make_run(bench.team.beta, bench.alice, plugin=plugin, label="paper", **paper)
    run = make_run(live(bench), bench.alice, plugin=plugin)
    assert act(bench.alice, run, "start").status_code == status


def test_start_on_a_live_account_does_not_count_another_version(bench: Bench, plugin: Plugin) -> None:
    other = make_plugin(digest="e" * 64, present=False)
    make_run(bench.team.beta, bench.alice, plugin=other, label="paper", bar_days=9, mode="PAPER")
    run = make_run(live(bench), bench.alice, plugin=plugin)
    assert act(bench.alice, run, "start").json()["code"] == "STRATEGY_NEEDS_PAPER"


def test_start_of_a_version_that_is_gone_is_refused(bench: Bench, plugin: Plugin) -> None:
    run = make_run(bench.account, bench.alice, plugin=plugin)
    Plugin.objects.update(present=False)
    answer = act(bench.alice, run, "start")
    assert (answer.status_code, answer.json()["code"]) == (409, "STRATEGY_UNUSABLE")


def test_lines_are_read_from_a_number_on_and_the_newest_are_kept(bench: Bench, plugin: Plugin) -> None:
    run = make_run(bench.account, bench.alice, plugin=plugin)
    note(run, *[(Level.INFO, f"line {n}", {}) for n in range(LINES_KEPT + 150)])
    note(run, *[(Level.INFO, "more", {}) for _ in range(100)])
    assert run.lines.count() == LINES_KEPT
    lines = client(bench.alice).get(f"/api/v1/strategy-runs/{run.pk}/lines", {"after": LINES_KEPT + 248}).json()
    assert [line["number"] for line in lines["results"]] == [LINES_KEPT + 249, LINES_KEPT + 250]
    newest = client(bench.alice).get(f"/api/v1/strategy-runs/{run.pk}/lines").json()["results"]
    assert (len(newest), newest[-1]["number"]) == (200, LINES_KEPT + 250)


def test_catalogue_shows_what_is_there_now(bench: Bench, plugin: Plugin) -> None:
    make_plugin(name="gone", present=False)
    shown = client(bench.alice).get("/api/v1/strategies").json()["results"]
    assert [(entry["name"], entry["version"]) for entry in shown] == [("puppet", "d" * 64)]


def test_runs_of_a_leaving_person_are_handed_over(bench: Bench, plugin: Plugin) -> None:
    make_run(bench.account, bench.alice, plugin=plugin, label="stopped")
    run = make_run(bench.account, bench.alice, plugin=plugin, wanted=True, state="RUNNING")
    assert [(work.kind, work.id, work.title) for work in open_runs_of(bench.alice.pk)] == [
        ("strategy", str(run.pk), "puppet RUNNING")
    ]
    assert open_runs_of(bench.team.bob.pk) == []
