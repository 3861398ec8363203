"""Run the workers of a QMT host: `manage.py qmthost --host NAME`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from desk.management.process import ProcessCommand
from desk.settings.schema import DeskConfig, get_config


class Command(ProcessCommand):
    help = "Run the workers of one QMT host (trade, data, reads), and nothing else (Windows too)."
    runs_on_host = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="", help="name of the QMT host; default: the one this machine is")

    def handle(self, *args: Any, host: str, **options: Any) -> None:
        from desk.supervisor.embedded import run_host_workers
        from desk.supervisor.lock import AlreadyRunning, SupervisorLock
        from desk.supervisor.merged_log import merged_log

        config = get_config()
        host = host or config.qmt_host
        if not host:
            raise CommandError("This machine is no QMT host (DESK_QMT_HOST is not set): name one with --host.")
        problem = remote_problem(config, host)
        if problem:
            raise CommandError(problem)
        self._require_host(host)
        try:
            with SupervisorLock(config.run_dir / f"qmthost-{host}.lock"):
                log = merged_log(config, f"qmthost-{host}.log")
                try:
                    run_host_workers(config, host, log, serves_data=serves_data(host))
                finally:
                    log.close()
        except AlreadyRunning as error:
            raise CommandError(f"The workers of {host} already run on this machine (pid {error.pid}).") from error

    def _require_host(self, name: str) -> None:
        from accounts.models import QmtHost

        try:
            known = list(QmtHost.objects.filter(enabled=True).values_list("name", flat=True))
        except DatabaseError as error:
            raise CommandError(
                f"The platform's database cannot be read ({error}): check DESK_DATABASE_URL, "
                f"and run manage.py migrate on the platform."
            ) from error
        if name not in known:
            names = ", ".join(known) or "none"
            raise CommandError(f"There is no enabled QMT host {name!r} (known: {names}).")


def serves_data(name: str) -> bool:
    """Whether the host has market data of its own."""
    from accounts.models import QmtHost

    return QmtHost.objects.get(name=name).serves_data


def remote_problem(config: DeskConfig, host: str) -> str:
    """Say why this configuration cannot serve the platform from another machine; blank if it can.

    A worker on its own machine shares the platform's databases and Redis over the network: a
    SQLite file or a local socket would be another, empty platform.
    """
    if config.qmt_host and config.qmt_host != host:
        return f"This machine is the QMT host {config.qmt_host} (DESK_QMT_HOST), not {host}."
    if config.qmt_host and config.live_key is None:
        return "DESK_LIVE_KEY is not set: nobody would believe this host's quotes. Enrol it again."
    if config.env == "test":
        return ""
    missing = [
        name
        for name, given in (
            ("DESK_DATABASE_URL", config.database_url),
            ("DESK_QUOTES_URL", config.quotes_url),
            ("DESK_REDIS_URL", config.redis_url_given),
        )
        if given is None
    ]
    if missing:
        return (
            f"A QMT host needs the platform's PostgreSQL and Redis, and {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not set. (SQLite files cannot be shared "
            f"between machines; on one machine `manage.py up` starts the workers itself.)"
        )
    return ""
