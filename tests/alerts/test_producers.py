"""What trading and accounts raise by themselves."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from accounts.services import account_halt, account_resume
from ops.alerts import AlertKind, Severity, alert_raise
from ops.audit import Actor
from ops.models import Alert
from tests.orders.bench import Bench, make_bench
from trading.orders.choices import Status
from trading.orders.lifecycle import mark_not_found, mark_unknown

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("trade-intake")
PERSON = Actor(kind="user", id="1", label="alice")


@pytest.fixture(autouse=True)
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alerts are stored at once, as outside of a test's transaction."""
    monkeypatch.setattr("ops.alerts.raising._after_commit", lambda work: work())


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


def raised() -> list[tuple[str, str, int | None]]:
    return list(Alert.objects.order_by("pk").values_list("kind", "severity", "account_id"))


def test_order_that_becomes_unknown_and_is_not_found_is_reported_for_its_account(bench: Bench) -> None:
    order = bench.sent()

    mark_unknown([order.pk], reason="no answer before the deadline")
    mark_not_found([order.pk], evidence={"queries": 3})

    account = bench.account.pk
    assert raised() == [("order.unknown", "CRITICAL", account), ("order.not_found", "WARNING", account)]
    first = Alert.objects.earliest("pk")
    assert first.title == f"Buy {order.quantity} {order.symbol}: no answer before the deadline"
    assert first.titles["zh-hans"].startswith(f"买入 {order.quantity} {order.symbol}")
    assert first.facts["order"] == str(order.pk)


def test_order_that_was_answered_meanwhile_is_no_news(bench: Bench) -> None:
    order = bench.reported()

    assert mark_unknown([order.pk], reason="deadline") == []
    assert raised() == []


def test_order_adopted_after_its_end_is_reported_with_the_halt(bench: Bench) -> None:
    order = bench.sent()
    mark_unknown([order.pk], reason="deadline")
    mark_not_found([order.pk], evidence={})

    bench.apply(bench.update(order, 50))

    assert bench.order(order).status == Status.REPORTED
    kinds = {kind for kind, _severity, _account in raised()}
    assert kinds == {"order.unknown", "order.not_found", "order.adopted", "account.halted"}


def test_order_path_goes_on_when_nobody_can_be_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("ops.alerts.raising.store", broken)
    order = bench.sent()

    assert mark_unknown([order.pk], reason="deadline") == [order.pk]
    assert bench.order(order).status == Status.UNKNOWN


def test_halt_by_the_platform_is_an_alert_until_the_account_is_resumed(bench: Bench) -> None:
    account_halt(actor=SYSTEM, account=bench.account, reason="unexplained cash")
    alert = Alert.objects.get()
    assert (alert.kind, alert.title, alert.closed_at) == (
        "account.halted",
        f"{bench.account.name} takes no new orders: unexplained cash",
        None,
    )

    account_resume(actor=PERSON, account=bench.account)

    alert.refresh_from_db()
    assert alert.cleared_at is not None


def test_halt_by_a_person_is_no_alert(bench: Bench) -> None:
    account_halt(actor=PERSON, account=bench.account)

    assert raised() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_one_condition_met_by_several_processes_is_one_alert() -> None:
    def meet() -> None:
        alert_raise(AlertKind.QUOTES_STALE, Severity.WARNING, "x", dedup_key="k")
        connection.close()

    threads = [threading.Thread(target=meet) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(Alert.objects.values_list("count", flat=True)) == [8]
