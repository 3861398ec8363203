"""Write stored bars to a file: `manage.py export_bars bars.parquet --period 1d --symbols 600519.SH`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketdata.services.exports import ExportFormat, export_spec, export_to_file
from marketdata.services.requests import Adjust
from ops.errors import DeskError
from ops.inputs import calendar_date


class Command(BaseCommand):
    help = "Write stored bars to a CSV, Parquet or Arrow file; what is missing is not downloaded (manage.py sync does that)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, help="its end tells the format: " + ", ".join(f".{one}" for one in ExportFormat)
        )
        parser.add_argument("--period", default="1d", choices=("1d", "1m", "5m"))
        parser.add_argument(
            "--symbols", default="", help="comma-separated; every instrument that has bars when omitted"
        )
        parser.add_argument("--start", help="YYYYMMDD")
        parser.add_argument("--end", help="YYYYMMDD")
        parser.add_argument("--adjust", default="none", choices=list(Adjust))

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        bounds = {name: calendar_date(options[name]) for name in ("start", "end") if options[name]}
        if unreadable := [name for name, day in bounds.items() if day is None]:
            raise CommandError(f"--{unreadable[0]} is not a date: use YYYYMMDD")
        try:
            spec = export_spec(
                period=options["period"],
                file_format=path.suffix.removeprefix("."),
                symbols=[part.strip() for part in options["symbols"].split(",") if part.strip()],
                adjust=options["adjust"],
                **bounds,
            )
            size = export_to_file(spec, path)
        except DeskError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        self.stdout.write(f"{path}: {size:,} bytes")
