"""A terminal's daily maintenance: sessions rest, nobody is alarmed, orders are refused with a code of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts import health
from accounts.maintenance import ZONE, under_maintenance, window_of
from accounts.models import HostStatus, QmtHost
from accounts.services import host_save
from alerts.watch import watch_sessions
from marketdata import worker as dataworker
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Invalid
from ops.models import AuditEvent
from tests.orders.bench import make_bench
from trading.orders.runtime import hostwork
from trading.orders.runtime.session import SessionRefused

ACTOR = Actor.system("test")


def around_now() -> str:
    """A window that holds the present moment for an hour on both sides."""
    now = wall_now().astimezone(ZONE)
    return f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M}"


def later() -> str:
    """A window that does not hold it."""
    now = wall_now().astimezone(ZONE)
    return f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M}"


@pytest.mark.parametrize(
    ("window", "beijing", "until"),
    [
        ("03:30-08:30", "03:29:59", ""),
        ("03:30-08:30", "03:30:00", "08:30"),
        ("03:30-08:30", "08:29:59", "08:30"),
        ("03:30-08:30", "08:30:00", ""),
        ("23:30-00:15", "23:45:00", "00:15"),
        ("23:30-00:15", "00:14:59", "00:15"),
        ("23:30-00:15", "00:15:00", ""),
        ("23:30-00:15", "12:00:00", ""),
        ("", "03:30:00", ""),
    ],
)
def test_window_is_beijing_s_wall_clock_and_may_pass_midnight(window: str, beijing: str, until: str) -> None:
    moment = datetime.fromisoformat(f"2026-03-27T{beijing}+08:00").astimezone(UTC)
    assert under_maintenance(QmtHost(name="h", maintenance=window), moment) == until


@pytest.mark.parametrize(
    "text", ["3:30-8:30", "03:30", "24:00-01:00", "03:30-03:30", "03:60-04:00", "０３:30-08:30", "x"]
)
def test_window_that_names_no_two_times_is_none(text: str) -> None:
    assert window_of(text) is None


@pytest.mark.django_db
def test_host_with_a_wrong_window_is_refused_and_nothing_is_stored() -> None:
    with pytest.raises(Invalid) as refused:
        host_save(actor=ACTOR, host=QmtHost(name="h", maintenance="25:00-26:00"))
    assert (refused.value.code, refused.value.field) == (Code.MAINTENANCE_INVALID, "maintenance")
    assert not QmtHost.objects.exists()


@pytest.mark.django_db
def test_host_s_window_is_on_the_audit_trail() -> None:
    host_save(actor=ACTOR, host=QmtHost(name="h", maintenance="03:30-08:30"))
    assert (AuditEvent.objects.get().after or {})["maintenance"] == "03:30-08:30"


@pytest.mark.django_db(databases=["default", "quotes"])
def test_order_inside_the_window_is_denied_with_its_own_code_and_after_it_accepted() -> None:
    bench = make_bench()
    host = bench.account.host
    QmtHost.objects.filter(pk=host.pk).update(maintenance=around_now())
    order = bench.submit()
    assert (order.status, order.deny_code) == ("DENIED", Code.HOST_MAINTENANCE)
    QmtHost.objects.filter(pk=host.pk).update(maintenance=later())
    assert bench.submit().status == "QUEUED"


@pytest.mark.django_db
def test_session_inside_the_window_is_taken_down_with_the_reason() -> None:
    host = QmtHost.objects.create(name="h", maintenance=around_now())
    work = hostwork.HostWork.__new__(hostwork.HostWork)
    work._host_name, work._simulated = host.name, True
    with pytest.raises(SessionRefused, match="HOST_MAINTENANCE: host=h until="):
        work.accounts()


@pytest.mark.django_db
def test_data_session_rests_inside_the_window() -> None:
    QmtHost.objects.create(name="h", maintenance=around_now())
    runtime = dataworker.DataRuntime.__new__(dataworker.DataRuntime)
    runtime.host_name = "h"
    with pytest.raises(dataworker.UnderMaintenance, match="HOST_MAINTENANCE: until="):
        runtime._require_service()
    QmtHost.objects.update(maintenance=later())
    runtime._require_service()


@pytest.mark.django_db
@pytest.mark.parametrize(("window", "down"), [(around_now, []), (later, ["h"])])
def test_session_that_is_away_alarms_nobody_inside_the_window(window: object, down: list[str]) -> None:
    host = QmtHost.objects.create(name="h", maintenance=window())  # type: ignore[operator]
    HostStatus.objects.create(host=host, session_state="DOWN", updated_at=wall_now())
    assert watch_sessions() == down


@pytest.mark.django_db
def test_readiness_inside_the_window_says_until_when() -> None:
    host = QmtHost.objects.create(name="h", maintenance=around_now())
    HostStatus.objects.create(host=host, session_state="DOWN", updated_at=wall_now())
    check = health._terminal(host)
    assert (check.ok, check.detail) == (True, f"under maintenance until {under_maintenance(host)}")
