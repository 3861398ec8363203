"""Run some of the platform's processes: `manage.py keep core`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from desk.management.process import ProcessCommand
from desk.settings.schema import get_config


class Command(ProcessCommand):
    help = "Run the named processes of the platform under the supervisor: one that hangs is restarted, and people are told."

    def add_arguments(self, parser: ArgumentParser) -> None:
        from desk.supervisor.plan import platform_processes

        parser.add_argument("names", nargs="+", choices=[spec.name for spec in platform_processes()])

    def handle(self, *args: Any, names: list[str], **options: Any) -> None:
        from desk.supervisor.embedded import run_kept
        from desk.supervisor.lock import AlreadyRunning, SupervisorLock
        from desk.supervisor.merged_log import MergedLog

        config = get_config()
        unit = "-".join(names)
        try:
            with SupervisorLock(config.run_dir / f"keep-{unit}.lock"):
                log = MergedLog(config.log_dir / f"{unit}.log")
                try:
                    failure = run_kept(config, names, log)
                finally:
                    log.close()
        except AlreadyRunning as error:
            raise CommandError(f"{unit} already runs from this state folder (pid {error.pid}).") from error
        if failure:
            raise CommandError(failure)
