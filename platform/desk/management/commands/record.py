"""Record how this host's terminal behaves: `manage.py record --host NAME --out FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Ask the terminal of a QMT host every function that only reads, once, and write what shape the answers have: "
        "no account, name, code or amount is kept. Run it on the host, beside its workers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", required=True, help="name of the QMT host")
        parser.add_argument("--out", type=Path, required=True, help="file that is written, one line per function")
        parser.add_argument("--account", type=int, help="number (id) of an account whose queries are asked too")

        parser.add_argument("--downloads", action="store_true", help="ask for the downloads too; that takes long")

    def handle(self, *args: Any, host: str, out: Path, account: int | None, downloads: bool, **options: Any) -> None:
        from desk.hosts.recording import HostUnknown, record_host

        try:
            trace = record_host(
                host,
                account_id=account,
                downloads=downloads,
                on_probe=lambda one: self.stdout.write(f"{one.outcome:<16} {one.name}"),
            )
            trace.write(out)
        except (HostUnknown, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{out}: {len(trace.observations)} functions, {trace.against} terminal")
