"""Common ground of the commands that are processes."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from desk.settings.schema import get_config


class ProcessCommand(BaseCommand):
    """A long-running command. `manage.py migrate` has run the system checks; a start need not."""

    requires_system_checks = ()
    requires_migrations_checks = False

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Refuse another profile's databases before anything starts."""
        from desk.profile import profile_problem

        if problem := profile_problem(get_config()):
            raise CommandError(problem)
        return super().execute(*args, **options)


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
