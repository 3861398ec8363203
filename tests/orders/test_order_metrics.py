"""Queues, sessions and differences as Prometheus series."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.choices import SessionState
from accounts.models import AccountSession
from ops.clocks import wall_now
from ops.metrics import render
from ops.models import ProcessHeartbeat
from tests.orders.bench import TODAY, Bench
from trading.ledger.models import Difference
from trading.orders.models import Order

pytestmark = pytest.mark.django_db


def series(name: str) -> dict[str, float]:
    """The series of one name: labels as text, value."""
    found = {}
    for line in render().decode().splitlines():
        head, _, value = line.rpartition(" ")
        if head.partition("{")[0] == name:
            found[head.removeprefix(name)] = float(value)
    return found


def test_waiting_orders_are_counted_by_host_and_status_with_the_oldest_age(bench: Bench) -> None:
    order = bench.submit()
    bench.submit()
    Order.objects.filter(pk=order.pk).update(submitted_at=wall_now() - timedelta(seconds=30))
    counts, ages = series("desk_orders_waiting"), series("desk_orders_waiting_oldest_seconds")
    host = bench.account.host.name
    assert counts[f'{{host="{host}",status="QUEUED"}}'] == 2
    assert counts[f'{{host="{host}",status="UNKNOWN"}}'] == 0
    assert 30 <= ages[f'{{host="{host}",status="QUEUED"}}'] < 90
    assert ages[f'{{host="{host}",status="UNKNOWN"}}'] == 0


def test_lanes_and_events_of_a_trade_worker_are_what_its_heartbeat_said(bench: Bench) -> None:
    now = wall_now()
    detail = {"events_pending": 7, "lanes": {"send": {"waiting": 3, "oldest_seconds": 1.5}}}
    ProcessHeartbeat.objects.create(
        name="session.trade@sim", host="h", pid=1, started_at=now, last_loop_at=now, detail=detail
    )
    assert series("desk_order_lane_waiting") == {'{host="sim",purpose="send"}': 3}
    assert series("desk_order_lane_oldest_seconds") == {'{host="sim",purpose="send"}': 1.5}
    assert series("desk_order_events_pending") == {'{host="sim"}': 7}


def test_sessions_show_one_state_each(bench: Bench) -> None:
    AccountSession.objects.update_or_create(
        account=bench.account, defaults={"state": SessionState.SICK, "changed_at": wall_now()}
    )
    states = series("desk_account_session")
    mine = {key: value for key, value in states.items() if f'account="{bench.account.pk}"' in key}
    assert [key for key, value in mine.items() if value] == [f'{{account="{bench.account.pk}",state="SICK"}}']
    assert len(mine) == len(SessionState)
    hosts = series("desk_host_session")
    assert [key for key, value in hosts.items() if value] == [f'{{host="{bench.account.host.name}",state="READY"}}']


def test_open_differences_are_counted_by_kind(bench: Bench) -> None:
    now = wall_now()
    Difference.objects.create(
        account=bench.account, kind="POSITION", key="600519.SH", ours="1", theirs="2", trade_date=TODAY,
        first_seen_at=now, last_seen_at=now,
    )  # fmt: skip
    counts = series("desk_reconcile_differences")
    assert counts['{kind="POSITION"}'] == 1
    assert sum(counts.values()) == 1


def test_book_wait_is_counted(bench: Bench) -> None:
    before = series("desk_database_write_wait_seconds_count")[""]
    bench.submit()
    assert series("desk_database_write_wait_seconds_count")[""] > before
