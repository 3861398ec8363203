"""Whether a machine can serve as a QMT host: its clock, its zone, its links to the platform, its terminal's folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import DatabaseError, connections

from accounts.models import QmtHost
from desk.doctor import machine
from desk.doctor.finding import Finding, bad, good
from desk.settings.schema import ROOT, DeskConfig
from desk.settings.tls import file_problem
from ops.clocks import database_now, wall_now

MAX_DRIFT_MS: Final = 500
"""Times to live are seconds, by the database's clock; a host this far off still behaves, and is worth a person's look."""
REDIS_SECONDS: Final = 5.0
DATABASES: Final = ("default", "quotes")


def host_findings(config: DeskConfig, host_name: str) -> Iterator[Finding]:
    """Look at everything a host needs; stops where nothing further can be known."""
    yield machine.packages(ROOT / "requirements.txt")
    yield machine.sdk()
    yield machine.time_zone()
    yield machine.state_folder(config.state_dir)
    if problem := file_problem(config):
        yield bad("TLS files", problem, "Enrol this host again, or correct the path.")
        return
    reached = [database(alias) for alias in DATABASES]
    yield from reached
    yield redis_link(settings.REDIS_URL)
    if not all(finding.ok for finding in reached):
        return
    yield clock_drift()
    yield from terminal(host_name)


def database(alias: str) -> Finding:
    """The link to one database: as whom, and whether it is encrypted."""
    subject = f"database {alias}"
    connection = connections[alias]
    try:
        with connection.cursor() as cursor:
            if connection.vendor != "postgresql":
                return bad(subject, connection.vendor, "A QMT host shares the platform's PostgreSQL: enrol it.")
            cursor.execute(
                "SELECT current_user, coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)"
            )
            user, encrypted = cursor.fetchone()
    except DatabaseError as error:
        return bad(
            subject, str(error).splitlines()[0], "Check the network, and that this host's SQL was run on the server."
        )
    local = not connection.settings_dict["HOST"] or connection.settings_dict["HOST"].startswith("/")
    detail = f"as {user}, {'TLS' if encrypted else 'a socket of this machine' if local else 'without TLS'}"
    if encrypted or local:
        return good(subject, detail)
    return bad(subject, detail, "Set DESK_TLS_CA (enrolment does it), and switch TLS on at the server.")


def redis_link(url: str) -> Finding:
    """The link to Redis: whether it answers, and whether it is encrypted."""
    parts = urlsplit(url)
    client = redis.Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        return bad("Redis", str(error), "Check the network, and that this host's line is in the server's ACL file.")
    finally:
        client.close()
    detail = f"as {parts.username or 'the default user'}, {parts.scheme}"
    if parts.scheme in ("rediss", "unix"):
        return good("Redis", detail)
    return bad("Redis", detail, "Use a rediss:// address: enrol this host again.")


def clock_drift() -> Finding:
    """This machine's clock against the database's, less half of the question's own time."""
    before = wall_now()
    told = database_now()
    after = wall_now()
    drift_ms = round((told - (before + (after - before) / 2)).total_seconds() * 1000)
    detail = f"{abs(drift_ms)} ms {'behind' if drift_ms > 0 else 'ahead of'} the database's"
    if abs(drift_ms) <= MAX_DRIFT_MS:
        return good("clock", detail)
    return bad("clock", detail, "Set the clock: w32tm /resync (Linux: chronyc makestep), and keep its service running.")


def terminal(host_name: str) -> Iterator[Finding]:
    """The host's row, and the terminal's folder that it names."""
    host = QmtHost.objects.filter(name=host_name, enabled=True).first()
    if host is None:
        yield bad("host", f"{host_name!r} is no enabled QMT host", "Add it on the platform (admin, QMT hosts).")
        return
    yield good("host", f"{host.name}, {host.get_kind_display()}")
    if host.is_simulated:
        return
    folder = Path(host.userdata_path)
    if host.userdata_path and folder.is_dir():
        yield good("terminal's folder", str(folder))
    else:
        yield bad("terminal's folder", f"{host.userdata_path!r} is not there", "Correct the host's user-data folder.")
    if len(set(host.session_ids)) < 2:
        yield bad("session ids", str(host.session_ids), "Give the host at least two ids that no other program uses.")
