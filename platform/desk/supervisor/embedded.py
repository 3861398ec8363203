"""What `manage.py up` and `manage.py qmthost` do before and around the supervisor."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from django.db import DatabaseError, close_old_connections
from django.db.models import F
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from desk.settings.safety import TIME_ZONE
from desk.settings.schema import DeskConfig
from desk.supervisor import plan
from desk.supervisor.child import ChildSpec
from desk.supervisor.counters import counters_folder
from desk.supervisor.merged_log import MergedLog
from desk.supervisor.ready import Readiness, http_probe
from desk.supervisor.supervisor import Supervisor, end_leftovers
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise, alerts_in_background
from ops.clocks import wall_now
from ops.models import ProcessHeartbeat

UNSPECIFIED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
NOBODY_WRITES_SECONDS = 15.0
"""Older than three beats: even the newest heartbeat is late."""
DEMO_LOGINS = "admin, alice, bob, charlie (password desk-demo)"


def port_problem(host: str, port: int) -> str:
    """Say in one sentence why `port` cannot be served; blank when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As uvicorn binds: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            return f"Port {port} needs rights this user does not have: choose another, e.g. PORT=8010 make run."
        except OSError as error:
            if error.errno in (98, 48, 10048):  # EADDRINUSE on Linux, macOS, Windows
                return (
                    f"Port {port} is in use by another program: stop it, or choose another port, "
                    f"e.g. PORT={port + 10} make run."
                )
            return f"The address {host} port {port} cannot be served: {error.strerror}."
    return ""


def heartbeat_ages() -> Mapping[str, float]:
    """Age in seconds of every process's last successful loop; empty when the database is away or takes no writes."""
    close_old_connections()
    now = wall_now()
    try:
        rows = list(ProcessHeartbeat.objects.values_list("name", "last_loop_at"))
        ages = {name: (now - last_loop_at).total_seconds() for name, last_loop_at in rows}
        if ages and min(ages.values()) > NOBODY_WRITES_SECONDS:
            # Everybody hangs at once, or nobody can write: locked, full.
            ProcessHeartbeat.objects.filter(pk=min(ages, key=ages.__getitem__)).update(pid=F("pid"))
    except DatabaseError:
        return {}
    return ages


def silent_since(specs: Sequence[ChildSpec], started_at: datetime) -> list[str]:
    """Name the processes that have not proved a loop since `started_at`."""
    elapsed = (wall_now() - started_at).total_seconds()
    ages = heartbeat_ages()
    return [spec.name for spec in specs if spec.heartbeats and ages.get(spec.heartbeats[0], elapsed + 1) > elapsed]


def address(config: DeskConfig) -> str:
    """The address a browser on this machine opens."""
    host = UNSPECIFIED.get(config.bind, config.bind)
    return f"http://{f'[{host}]' if ':' in host else host}:{config.port}/"


def _site(config: DeskConfig) -> str:
    """A host name that the web process answers to."""
    named = [name.removeprefix(".") for name in config.hosts if name != "*"]
    return "localhost" if "localhost" in named or not named else named[0]


def headline(config: DeskConfig) -> str:
    """The last line of a start: the address, and the demo logins in the demo environment only."""
    line = f"QMT Desk is ready: {address(config)}"
    return f"{line}   logins: {DEMO_LOGINS}" if config.env == "demo" else line


def _prepare(config: DeskConfig, hosts: Sequence[plan.SimulatedHost] = ()) -> None:
    plan.prepare_folders(config, hosts)
    if config.metrics_dir is None:
        for file in counters_folder(config.run_dir).glob("*.db"):
            file.unlink()
    _pass_on(config)


def _pass_on(config: DeskConfig) -> None:
    """What children inherit: one time zone, unbuffered lines, metrics of all processes together."""
    os.environ.update(TZ=TIME_ZONE, PYTHONUNBUFFERED="1", CELERY_SKIP_CHECKS="1")
    # With a shared folder the settings have named this machine's part of it.
    if config.metrics_dir is None:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(counters_folder(config.run_dir))


def run_embedded(config: DeskConfig, hosts: Sequence[plan.SimulatedHost], log: MergedLog) -> str:
    """Run everything on this machine until told to stop; returns why it stopped by itself, if it did."""
    started = time.monotonic()
    started_at = wall_now()
    end_leftovers(config.run_dir, log)
    _prepare(config, hosts)
    specs = plan.embedded(config, hosts)
    probe_host = UNSPECIFIED.get(config.bind, config.bind)
    ready = Readiness(
        probe=lambda: http_probe(probe_host, config.port, _site(config)),
        waiting_for=lambda: silent_since(specs, started_at),
        headline=headline(config),
        log=log,
        started_at=started,
    )
    log.say("starting " + ", ".join(spec.name for spec in specs))
    return _run(specs, config, log, ready)


def run_host_workers(config: DeskConfig, host_name: str, log: MergedLog, *, serves_data: bool = True) -> None:
    """Run the workers of one QMT host until told to stop."""
    end_leftovers(config.run_dir, log)
    _prepare(config)
    specs = plan.host_workers(host_name, serves_data=serves_data)
    log.say("starting " + ", ".join(spec.name for spec in specs))
    _run(specs, config, log, None)


def run_kept(config: DeskConfig, names: Sequence[str], log: MergedLog) -> str:
    """Run the named processes of the platform until told to stop; returns why they stopped by themselves, if they did.

    Other supervisors may run beside this one from the same state folder: its children's files lie apart, and what
    others measure is left alone.
    """
    own = config.run_dir / f"keep-{'-'.join(names)}"
    own.mkdir(parents=True, exist_ok=True)
    end_leftovers(own, log)
    _pass_on(config)
    specs = [spec for spec in plan.platform_processes() if spec.name in names]
    log.say("starting " + ", ".join(spec.name for spec in specs))
    return _run(specs, config, log, None, run_dir=own)


class HangAlerts:
    """Tells people of processes that hung, on a thread of its own: the supervisor waits for no database."""

    def __init__(self) -> None:
        alerts_in_background()

    def hung(self, child: str, heartbeat: str, silent_seconds: float) -> None:
        alert_raise(
            AlertKind.PROCESS_RESTARTED,
            Severity.WARNING,
            format_lazy(_("{process} hung and was restarted"), process=child),
            {"process": child, "heartbeat": heartbeat, "silent_seconds": round(silent_seconds)},
            dedup_key=f"process.restarted:{child}",
        )

    def recovered(self, child: str) -> None:
        alert_clear(f"process.restarted:{child}")


def _run(
    specs: Sequence[ChildSpec],
    config: DeskConfig,
    log: MergedLog,
    ready: Readiness | None,
    *,
    run_dir: Path | None = None,
) -> str:
    supervisor = Supervisor(
        specs,
        run_dir=run_dir or config.run_dir,
        log=log,
        heartbeat_ages=heartbeat_ages,
        hang_watch=HangAlerts(),
        on_tick=ready,
    )
    supervisor.install_signal_handlers()
    supervisor.run()
    log.say("everything has stopped")
    return supervisor.failure
