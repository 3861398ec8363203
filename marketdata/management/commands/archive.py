"""Old ticks to Parquet and back: `manage.py archive`, `manage.py archive --restore 2026-01-05`."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketdata.config import get_marketdata_config
from marketdata.models import TickArchive
from marketdata.quotes.periods import day_date
from marketdata.selectors import data_host
from marketdata.services.archive import archivable_days, archive_day, archive_folder, archive_restore
from marketdata.services.axis import first_open_day
from marketdata.services.retention import ticks_seal
from ops.clocks import market_clock
from ops.errors import DeskError
from ops.inputs import calendar_date


class Command(BaseCommand):
    help = (
        "Move days of ticks out of the database into Parquet files that DuckDB and polars read directly; "
        "each file is read back and compared before anything is deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--before", help="YYYYMMDD; archive days before it (default: ticks.retention_days ago)")
        parser.add_argument("--restore", nargs="+", metavar="DAY", help="put these days back into the database")
        parser.add_argument("--list", action="store_true", help="show what is archived")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["list"]:
                self._list()
            elif options["restore"]:
                for day in [_day(text) for text in options["restore"]]:
                    self._restore(day)
            else:
                self._archive(_day(options["before"]) if options["before"] else None)
        except DeskError as error:
            raise CommandError(f"{error.code}: {error.message}") from error

    def _archive(self, before: date | None) -> None:
        clock = market_clock(data_host())
        open_day = day_date(first_open_day(clock))
        if before is None:
            before = clock.trade_date - timedelta(days=get_marketdata_config().ticks.retention_days)
        if before > open_day:
            raise CommandError(f"{open_day} is not closed yet: its ticks stay")
        ticks_seal(open_day)
        days = archivable_days(before)
        if not days:
            self.stdout.write(f"No ticks from before {before} are in the database.")
        for day in days:
            archive = archive_day(day, say=self._progress)
            self._end_line()
            if archive is not None:
                self.stdout.write(_line(archive))

    def _restore(self, day: date) -> None:
        archive = archive_restore(day, say=self._progress)
        self._end_line()
        self.stdout.write(f"{day}: {archive.rows} ticks are back in the database; the file is kept.")

    def _list(self) -> None:
        self.stdout.write(f"folder: {archive_folder()}")
        for archive in TickArchive.objects.all():
            self.stdout.write(_line(archive))

    def _progress(self, text: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{text}", ending="")

    def _end_line(self) -> None:
        if self.stderr.isatty():
            self.stderr.write("")


def _line(archive: TickArchive) -> str:
    restored = f", restored {archive.restored_at:%Y-%m-%d %H:%M} UTC" if archive.restored_at else ""
    return (
        f"{archive.trade_date}: {archive.rows} ticks of {archive.instruments} instruments, "
        f"{archive.size / 1e6:.1f} MB, {archive.path}{restored}"
    )


def _day(text: str) -> date:
    day = calendar_date(text)
    if day is None:
        raise CommandError(f"{text!r} is not a date: use YYYYMMDD or YYYY-MM-DD")
    return day
