"""Common ground of the commands that are processes."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

from django.core.management.base import BaseCommand

from desk.settings.schema import get_config


class ProcessCommand(BaseCommand):
    """A long-running command. `manage.py migrate` has run the system checks; a start need not."""

    requires_system_checks = ()
    requires_migrations_checks = False

    def run_from_argv(self, argv: list[str]) -> None:
        """Refuse another profile's databases before a process starts."""
        from desk.profile import profile_problem

        if problem := profile_problem(get_config()):
            sys.exit(problem)
        super().run_from_argv(argv)


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
