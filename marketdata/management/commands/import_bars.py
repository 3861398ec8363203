"""Bring bars in from a file: `manage.py import_bars bars.csv --period 1d --basis RAW --volume-unit lots`, with `--store` to store them."""

from __future__ import annotations

import os
import socket
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketdata.choices import Basis
from marketdata.models import BarImport
from marketdata.services.imports import import_confirm, import_preview
from marketdata.services.imports.files import ENCODINGS
from marketdata.services.imports.parsing import ALIASES, AMOUNT_UNITS, VOLUME_UNITS
from marketdata.services.transfers import transfers_work
from ops.audit import Actor
from ops.errors import DeskError
from ops.models import Job

SHOWN = 20


class Command(BaseCommand):
    help = "Show what a file of bars holds and which rows cannot be stored; store it when told so."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--period", required=True, choices=("1d", "1m", "5m"))
        parser.add_argument("--basis", required=True, choices=Basis.values)
        parser.add_argument("--volume-unit", required=True, choices=VOLUME_UNITS)
        parser.add_argument("--amount-unit", default="yuan", choices=AMOUNT_UNITS)
        parser.add_argument("--encoding", default="utf-8", choices=ENCODINGS)
        parser.add_argument("--symbol", default="", help="of a file without a column for it")
        parser.add_argument(
            "--column", action="append", default=[], metavar="OURS=THEIRS", help=f"one of {', '.join(ALIASES)}"
        )
        parser.add_argument("--store", action="store_true", help="store what was shown")
        parser.add_argument(
            "--skip-problems", action="store_true", help="store the good rows although others cannot be"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        named = dict(part.partition("=")[::2] for part in options["column"])
        told = {name: options[name] for name in ("period", "basis", "volume_unit", "amount_unit", "encoding", "symbol")}
        actor = Actor.system("manage.py import_bars")
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                row = import_preview(
                    actor=actor, owner=0, name=path.name, content=file, options={**told, "columns": named}
                )
            self._show(row)
            if options["store"]:
                self._store(import_confirm(actor=actor, row=row, skip_problems=options["skip_problems"]))
        except DeskError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from error

    def _show(self, row: BarImport) -> None:
        seen = row.preview
        self.stdout.write(f"{row.file_name}: {seen['rows']} rows, {seen['good_rows']} can be stored")
        self.stdout.write(f"  {seen['instruments']} instruments, {seen['first_date']} to {seen['last_date']}")
        self.stdout.write("  columns: " + ", ".join(f"{ours}={theirs}" for ours, theirs in seen["mapping"].items()))
        for note in seen["notes"]:
            self.stdout.write(f"  note: {note}")
        for one in seen["problems"][:SHOWN]:
            self.stdout.write(f"  line {one['line']}: {one['code']} {one['column'] or ''} {one['value']}".rstrip())
        for code, count in seen["problem_counts"].items():
            self.stdout.write(f"  {code}: {count} rows")

    def _store(self, job: Job) -> None:
        holder = f"transfers@{socket.gethostname()}:{os.getpid()}"
        # What waited before ours is done first; a worker may take ours meanwhile, which is as good.
        while transfers_work(holder) is not None:
            pass
        job.refresh_from_db()
        if job.status == Job.Status.FAILED:
            raise CommandError(job.error)
        self.stdout.write(f"job {job.pk}: {job.status.lower()} {job.message}")
