"""Common ground of the commands that are processes."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from desk.settings.schema import get_config
from ops.logs import name_process


class ProcessCommand(BaseCommand):
    """A long-running command. `manage.py migrate` has run the system checks; a start need not."""

    requires_system_checks = ()
    requires_migrations_checks = False
    #: Whether a machine that is a QMT host and nothing else (`DESK_QMT_HOST`) may run it.
    runs_on_host = False

    def run_from_argv(self, argv: list[str]) -> None:
        """Refuse what this machine must not run, and another profile's databases, before a process starts."""
        from desk.profile import profile_problem

        config = get_config()
        if config.qmt_host and not self.runs_on_host:
            sys.exit(f"This machine is the QMT host {config.qmt_host} (DESK_QMT_HOST): {argv[1]} runs on the platform.")
        if problem := profile_problem(config):
            sys.exit(problem)
        super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Name the process before its first line is logged."""
        name_process(self.process_name(options))
        return super().execute(*args, **options)

    def process_name(self, options: Mapping[str, Any]) -> str:
        """What this process is called in log lines: as its heartbeat row is."""
        return type(self).__module__.rpartition(".")[2]


def stop_event_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT (Ctrl-Break on Windows) set."""
    event = threading.Event()

    def on_signal(signum: int, frame: FrameType | None) -> None:
        event.set()

    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, on_signal)
    return event
