"""Readiness of the whole installation, its QMT hosts included."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError

from accounts.choices import SessionState
from accounts.maintenance import under_maintenance
from accounts.models import AccountSession, QmtHost
from ops import health
from ops.clocks import wall_now
from ops.health import Check

DATABASES = ("default", "quotes")


def web_readiness(*, writes: bool = False) -> list[Check]:
    """What a web process itself needs: whether a proxy should send it requests, whatever workers and terminals do."""
    # A bulk load may hold the other one's lock for longer; orders do not need it.
    checks = [health.check_database(alias, writes=writes and alias == "default") for alias in DATABASES]
    if all(check.ok for check in checks):
        checks += [health.check_migrations(alias) for alias in DATABASES]
    return [*checks, health.check_redis()]


def readiness() -> list[Check]:
    """Every part that must work before people can trade, in the order to look at them."""
    checks = [*web_readiness(writes=True), health.check_room()]
    if all(check.ok for check in checks if check.name not in ("redis", "disk")):
        checks += [*_hosts(), *health.provided()]
    return checks


def _hosts() -> Iterator[Check]:
    try:
        hosts = list(QmtHost.objects.filter(enabled=True).select_related("status"))
    except DatabaseError as error:
        yield Check("hosts", False, type(error).__name__)
        return
    for host in hosts:
        for role in host.worker_roles:
            yield health.check_heartbeat(f"worker.{role}@{host.name}")
        yield _terminal(host)
        yield from _accounts(host)


def _accounts(host: QmtHost) -> Iterator[Check]:
    """The accounts that alone are in trouble while their host's session is ready. Numbers only: anybody may read this."""
    status = getattr(host, "status", None)
    if status is None or status.session_state != SessionState.READY:
        return
    troubled = AccountSession.objects.filter(account__host=host, account__enabled=True).exclude(
        state=SessionState.READY
    )
    for row in troubled.order_by("pk"):
        facts = {"state": row.state, "since": row.changed_at, "last_probe_at": row.last_probe_at}
        yield Check(f"account.{row.pk}", False, f"its session is {row.state}", facts)


def _terminal(host: QmtHost) -> Check:
    name = f"terminal.{host.name}"
    status = getattr(host, "status", None)
    if status is None or status.updated_at is None:
        return Check(name, False, "its trade worker has never reported")
    until = under_maintenance(host)
    if until:
        # What is planned is no failure: a proxy or a monitor must not be alarmed every night.
        return Check(name, True, f"under maintenance until {until}")
    facts = {
        "session_state": status.session_state,
        "phase": status.phase,
        "trade_date": status.trade_date,
        "simulated": status.simulated,
        "updated_at": status.updated_at,
    }
    if wall_now() - status.updated_at > health.HEARTBEAT_MAX_AGE:
        return Check(name, False, "its state is too old to be believed", facts)
    if status.session_state != SessionState.READY:
        return Check(name, False, f"the session is {status.session_state}", facts)
    return Check(name, True, "", facts)
