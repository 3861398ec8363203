"""The lease: one owner of a host at a time, and a takeover ends the former owner's authority."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import BrokerAccount, HostStatus, QmtHost
from ops.clocks import database_now
from ops.models import AuditEvent
from trading.orders.runtime.lease import HostLease, holder_name

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def host() -> QmtHost:
    return QmtHost.objects.create(name="sim")


@pytest.fixture
def account(host: QmtHost) -> BrokerAccount:
    return BrokerAccount.objects.create(host=host, account_no="8000000001", name="Alpha")


class Ticks:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def lease(host: QmtHost, holder: str, ticks: Ticks | None = None) -> HostLease:
    return HostLease(host, seconds=8.0, holder=holder, monotonic=ticks or Ticks())


def expire(host: QmtHost) -> None:
    HostStatus.objects.filter(host=host).update(lease_until=database_now() - timedelta(seconds=1))


def test_lease_free_host_is_taken(host: QmtHost, account: BrokerAccount) -> None:
    first = lease(host, "one")
    assert first.acquire()
    assert first.seconds_left() == 8.0
    row = HostStatus.objects.get(host=host)
    assert row.lease_holder == "one"
    account.refresh_from_db()
    assert account.epoch == 1


def test_lease_held_by_another_is_refused(host: QmtHost) -> None:
    lease(host, "one").acquire()
    second = lease(host, "two")
    assert not second.acquire()
    assert not second.held
    assert HostStatus.objects.get(host=host).lease_holder == "one"


def test_lease_expired_is_taken_over_and_raises_every_epoch(host: QmtHost, account: BrokerAccount) -> None:
    lease(host, "one").acquire()
    expire(host)
    assert lease(host, "two").acquire()
    account.refresh_from_db()
    assert account.epoch == 2
    event = AuditEvent.objects.get(action="host.lease_taken")
    assert event.target == "host:sim"


def test_lease_taken_over_no_longer_shows_the_former_owners_session(host: QmtHost) -> None:
    lease(host, "one").acquire()
    HostStatus.objects.filter(host=host).update(session_state="READY")
    expire(host)
    assert lease(host, "two").acquire()
    assert HostStatus.objects.get(host=host).session_state == "CONNECTING"


def test_lease_acquired_again_by_its_holder_keeps_its_session_state(host: QmtHost) -> None:
    lease(host, "one").acquire()
    HostStatus.objects.filter(host=host).update(session_state="READY")
    assert lease(host, "one").acquire()
    assert HostStatus.objects.get(host=host).session_state == "READY"


def test_lease_given_back_is_taken_without_a_new_epoch(host: QmtHost, account: BrokerAccount) -> None:
    first = lease(host, "one")
    first.acquire()
    first.release()
    assert lease(host, "two").acquire()
    account.refresh_from_db()
    assert account.epoch == 1
    assert not AuditEvent.objects.filter(action="host.lease_taken").exists()


def test_lease_renewal_counts_from_before_the_statement(host: QmtHost) -> None:
    ticks = Ticks()
    first = lease(host, "one", ticks)
    first.acquire()
    ticks.now += 5
    assert first.seconds_left() == 3.0
    assert first.renew()
    assert first.seconds_left() == 8.0


def test_lease_renewal_after_a_takeover_fails_and_leaves_no_time(host: QmtHost) -> None:
    first = lease(host, "one")
    first.acquire()
    expire(host)
    lease(host, "two").acquire()
    assert not first.renew()
    assert first.seconds_left() == 0.0
    assert HostStatus.objects.get(host=host).lease_holder == "two"


def test_lease_release_after_a_takeover_leaves_the_new_owner(host: QmtHost) -> None:
    first = lease(host, "one")
    first.acquire()
    expire(host)
    lease(host, "two").acquire()
    first.release()
    assert HostStatus.objects.get(host=host).lease_holder == "two"


def test_lease_time_runs_out_without_renewal(host: QmtHost) -> None:
    ticks = Ticks()
    first = lease(host, "one", ticks)
    first.acquire()
    ticks.now += 8.5
    assert not first.held


def test_holder_names_never_repeat() -> None:
    assert holder_name() != holder_name()
