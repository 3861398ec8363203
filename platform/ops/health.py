"""Whether the parts the platform stands on answer, each with its own truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from ops.clocks import wall_now
from ops.database_watch import is_away
from ops.models import ProcessHeartbeat
from ops.room import free_bytes

REDIS_TIMEOUT_SECONDS = 0.5
#: Transactions of the platform hold the lock for milliseconds.
LOCK_SECONDS = 2.0
#: Three missed beats: one may be lost to a locked database.
HEARTBEAT_MAX_AGE = timedelta(seconds=20)

_migrated: set[str] = set()
_providers: list[Callable[[], Iterable[Check]]] = []


@dataclass(frozen=True, slots=True)
class Check:
    """One part's state. `detail` says what is known, or what is wrong in words."""

    name: str
    ok: bool
    detail: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def provide(checks: Callable[[], Iterable[Check]]) -> None:
    """Add an app's own checks to the readiness of the installation; called once, when the app is ready."""
    if checks not in _providers:
        _providers.append(checks)


def provided() -> Iterator[Check]:
    """The checks that apps have added."""
    for checks in _providers:
        yield from checks()


def check_database(alias: str, *, writes: bool = False) -> Check:
    """Whether the database answers a query; with `writes`, whether it would take one too."""
    name = f"database.{alias}"
    if is_away(alias):
        return Check(name, False, "does not answer")
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        return Check(name, False, _words(error))
    if writes and not _may_write(connections[alias]):
        return Check(name, False, f"takes no writes: its lock was not to be had for {LOCK_SECONDS:g} s")
    return Check(name, True, connections[alias].vendor)


def _may_write(connection: BaseDatabaseWrapper) -> bool:
    """Whether SQLite's only write lock can be had; a server has none."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return True
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        usual = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000:.0f}")
        try:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
        except OperationalError:
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
    return True


def check_migrations(alias: str) -> Check:
    """Whether the database has every migration of this code (remembered once it has)."""
    name = f"migrations.{alias}"
    if alias in _migrated:
        return Check(name, True, "applied")
    try:
        executor = MigrationExecutor(connections[alias])
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return Check(name, False, _words(error))
    if plan:
        return Check(name, False, f"{len(plan)} to apply: run manage.py migrate")
    _migrated.add(alias)
    return Check(name, True, "applied")


def check_redis() -> Check:
    """Whether Redis answers a ping within half a second."""
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
    )
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        return Check("redis", False, _words(error))
    finally:
        client.close()
    return Check("redis", True)


def check_room() -> Check:
    """Whether the state folder's disk has room for orders."""
    free = free_bytes()
    facts = {"free_bytes": free}
    if free < settings.DISK_STOP_BYTES:
        return Check("disk", False, f"{free // 1_000_000} MB are left: no new orders are taken", facts)
    return Check("disk", True, "", facts)


def check_heartbeat(process_name: str) -> Check:
    """Whether a process's last successful loop is recent."""
    name = f"process.{process_name}"
    try:
        row = ProcessHeartbeat.objects.filter(pk=process_name).first()
    except DatabaseError as error:
        return Check(name, False, _words(error))
    if row is None:
        return Check(name, False, "has never reported")
    age = wall_now() - row.last_loop_at
    facts = {"last_loop_at": row.last_loop_at, "age_seconds": round(age.total_seconds(), 1)}
    if age > HEARTBEAT_MAX_AGE:
        return Check(name, False, "its last successful loop is too old", facts)
    return Check(name, True, "", facts)


def _words(error: Exception) -> str:
    """The error's first line, without what a stranger must not read (addresses, names)."""
    return type(error).__name__
