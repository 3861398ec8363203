"""Bars on the terminal, complete: `manage.py bars 600519 1w 20230101 20231231 --adjust front`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketdata.quotes.periods import Period
from marketdata.services import DataRequest, MarketDataService, Readiness
from marketdata.services.answers import FORMS
from marketdata.services.requests import ANSWER_PERIODS, Adjust, Fill
from ops.errors import DeskError


class Command(BaseCommand):
    help = "Print bars (or ticks) as CSV (or write another form to a file); what is missing is downloaded first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbol", help="600519.SH or 600519; several with commas")
        parser.add_argument("period", help=", ".join((*ANSWER_PERIODS, Period.TICK.code)))
        parser.add_argument("start", nargs="?", help="YYYYMMDD or YYYYMMDDHHMMSS; from the listing when omitted")
        parser.add_argument("end", nargs="?", help="as start, included; until now when omitted")
        parser.add_argument("--adjust", default="none", choices=[item.value for item in Adjust])
        parser.add_argument("--count", type=int, default=-1, help="only the last so many bars of each instrument")
        parser.add_argument("--fields", help="comma-separated columns besides symbol and time")
        parser.add_argument("--fill", default="none", choices=[item.value for item in Fill])
        parser.add_argument("--open-day", action="store_true", help="with the open day's bar so far, marked partial")
        parser.add_argument("--wait", type=float, default=60.0, help="seconds to wait for a download (60)")
        parser.add_argument("--format", default="csv", choices=FORMS)
        parser.add_argument("--output", help="a file; standard output when omitted")
        parser.add_argument("--host", default=None, help="QMT host that answers")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["format"] in ("arrow", "parquet") and not options["output"]:
            raise CommandError(f"--format {options['format']} needs --output FILE")
        request = DataRequest(
            symbols=[part.strip() for part in options["symbol"].split(",") if part.strip()],
            period=options["period"],
            start=options["start"],
            end=options["end"],
            count=options["count"],
            adjust=options["adjust"],
            fields=None if options["fields"] is None else options["fields"].split(","),
            fill=options["fill"],
            open_day=options["open_day"],
        )
        try:
            service = MarketDataService(options["host"])
            query, readiness = service.prepare(request, wait_seconds=options["wait"], retry_failed=True)
            head = service.head(query, readiness)
            pieces = service.pieces(query, head, form=options["format"], time_format="iso")
            self._write(pieces, options["output"])
        except DeskError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        self._tell(head, readiness)

    def _write(self, pieces: Any, output: str | None) -> None:
        if output is None:
            for piece in pieces:
                self.stdout.write(piece.decode(), ending="")
            return
        try:
            with Path(output).open("wb") as file:
                file.writelines(pieces)
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror}") from error

    def _tell(self, head: dict[str, Any], readiness: Readiness) -> None:
        """Source and completeness, on the other stream: standard output holds bars alone."""
        self.stderr.write(" ".join(f"{name}={value}" for name, value in head["source"].items()))
        if readiness.complete:
            return
        text = f"Not complete: {readiness.missing_days} instrument-days are missing."
        if readiness.job_id is not None:
            text += f" Job {readiness.job_id} is under way."
        text += "".join(f"\n  {symbol}: {error}" for symbol, error in list(readiness.failures.items())[:20])
        self.stderr.write(text)
        sys.exit(1)
