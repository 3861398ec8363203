"""Hold the simulated terminal against a record of a real one: `manage.py fidelity TRACE --host NAME`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Ask a simulated host what a record asked, and say where it differs; exit code 1 when it does."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("trace", type=Path, help="file of manage.py record")
        parser.add_argument("--host", required=True, help="name of a running simulated QMT host")
        parser.add_argument("--account", type=int, help="number (id) of an account, if the record has its queries")

    def handle(self, *args: Any, trace: Path, host: str, account: int | None, **options: Any) -> None:
        from desk.hosts.recording import HostUnknown, record_host
        from qmt.recorder import Trace, differences

        try:
            recorded = Trace.read(trace)
            found = record_host(host, account_id=account, simulated=True, names=frozenset(recorded.by_name()))
        except (HostUnknown, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        told = differences(recorded, found)
        for one in told:
            self.stdout.write(f"{one.name}{one.path}: recorded {one.recorded}, simulated {one.found}")
        asked = len(found.observations)
        words = "a real terminal" if recorded.against == "real" else "a simulated terminal: it proves the recorder only"
        self.stdout.write(f"{asked} functions compared, {len(told)} differences; recorded from {words}.")
        if told:
            sys.exit(1)
