"""Findings about the platform's parts: databases, Redis, queues, processes, terminals."""

from __future__ import annotations

from collections.abc import Iterator

import redis
from django.conf import settings

from accounts.health import DATABASES
from accounts.models import HostStatus, QmtHost
from desk.doctor.finding import Finding, bad, good
from desk.settings.schema import DeskConfig
from desk.worker.roles import ROLES, Role
from ops import health
from ops.clocks import wall_now
from ops.health import Check

QUEUE_BACKLOG = 100
START = "Start the platform: make run (or manage.py up)."
PLATFORM_PROCESSES = ("worker.core", "beat", "engine", "strategies", "rpc")


def platform_findings(config: DeskConfig) -> Iterator[Finding]:
    """Look at what has to be running; stops where nothing further can be known."""
    databases = [health.check_database(alias) for alias in DATABASES]
    for alias, check in zip(DATABASES, databases, strict=True):
        yield _database(alias, check)
    redis_check = health.check_redis()
    yield _redis(config, redis_check)
    if not all(check.ok for check in databases):
        return
    migrations = [health.check_migrations(alias) for alias in DATABASES]
    for check in migrations:
        yield _from_check(check, "Run: manage.py prepare (make run does it).")
    if not all(check.ok for check in migrations):
        return
    hosts = list(QmtHost.objects.filter(enabled=True))
    yield from _processes(hosts)
    if redis_check.ok:
        yield from _queues(hosts)
    for host in hosts:
        yield _terminal(host)


def _from_check(check: Check, advice: str) -> Finding:
    return good(check.name, check.detail or "ok") if check.ok else bad(check.name, check.detail, advice)


def _database(alias: str, check: Check) -> Finding:
    variable = "DESK_DATABASE_URL" if alias == "default" else "DESK_QUOTES_URL"
    return _from_check(check, f"Check {variable} and that the server runs; for SQLite, the state folder's rights.")


def _redis(config: DeskConfig, check: Check) -> Finding:
    if check.ok:
        return good("Redis", "bundled Valkey" if config.bundled_redis else "as DESK_REDIS_URL says")
    advice = START if config.bundled_redis else "Check DESK_REDIS_URL and that the server runs."
    return bad("Redis", check.detail, f"{advice} Orders are accepted meanwhile and sent by the worker's own poll.")


def roles_of(host: QmtHost) -> list[Role]:
    """The workers that a host needs."""
    return [ROLES[name] for name in host.process_roles]


def _processes(hosts: list[QmtHost]) -> Iterator[Finding]:
    names = list(PLATFORM_PROCESSES)
    for host in hosts:
        names += [role.process_name(host.name) for role in roles_of(host)]
    for name in names:
        advice = START
        if "@" in name:
            advice = (
                f"On that QMT host: manage.py qmthost --host {name.partition('@')[2]} (manage.py up on one machine)."
            )
        yield _from_check(health.check_heartbeat(name), f"{advice} Then look at var/log.")


def _queues(hosts: list[QmtHost]) -> Iterator[Finding]:
    prefix = str(settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"])
    queues = [ROLES["core"].queue("")]
    for host in hosts:
        queues += [role.queue(host.name) for role in roles_of(host)]
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=health.REDIS_TIMEOUT_SECONDS)
    try:
        for queue in queues:
            yield _queue(queue, int(client.llen(prefix + queue)))
    except redis.RedisError as error:
        yield bad("queues", type(error).__name__, START)
    finally:
        client.close()


def _queue(name: str, waiting: int) -> Finding:
    subject, detail = f"queue {name}", f"{waiting} tasks waiting"
    if waiting > QUEUE_BACKLOG:
        return bad(subject, detail, "Its worker is away or too slow: see its process above.")
    return good(subject, detail)


def _terminal(host: QmtHost) -> Finding:
    subject = f"terminal of {host.name}"
    status = HostStatus.objects.filter(host=host).first()
    if status is None:
        return bad(subject, "its trade worker has never reported", START)
    age = None if status.updated_at is None else (wall_now() - status.updated_at).total_seconds()
    detail = f"{status.session_state}, {status.phase or 'no phase'}, trade date {status.trade_date}"
    if age is None or age > health.HEARTBEAT_MAX_AGE.total_seconds():
        return bad(subject, f"last heard of {detail}", START)
    if status.session_state != "READY":
        advice = "Log in to the terminal and leave it open" if not host.is_simulated else START
        return bad(subject, f"{detail}. {status.message}".strip(), f"{advice}; the worker reconnects by itself.")
    return good(subject, f"{detail}{', simulated' if status.simulated else ''}")
