"""What is stored and what is missing: `manage.py coverage --period 1m --state missing`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import pandas as pd
from django.core.management.base import BaseCommand, CommandError

from marketdata.quotes.periods import ts_date
from marketdata.services import MarketDataService
from marketdata.services.coverage import COLUMNS, STATES, CoverageRequest, Scope, coverage_pieces
from ops.errors import DeskError

_LINE = "{:<10} {:<10}  {:<10} {:>9} {:>8} {:>7} {:>8}  {}"
_PROVEN = ["suspended", "source_empty", "source_depth"]


class Command(BaseCommand):
    help = "Show first and last bar, trading days expected, present, proven absent and missing per instrument."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--symbols", help="comma-separated; the whole market when omitted")
        parser.add_argument("--period", default="1d", help="a stored period: 1d (default), 1m or 5m")
        parser.add_argument("--start", help="YYYYMMDD; the last sync.history_days trading days when omitted")
        parser.add_argument("--end", help="YYYYMMDD; until now when omitted")
        parser.add_argument("--state", choices=STATES, default="any", help="only instruments in this state")
        parser.add_argument("--csv", action="store_true", help="every column as CSV, for another program")
        parser.add_argument("--host", default=None, help="QMT host whose market clock counts")

    def handle(self, *args: Any, **options: Any) -> None:
        names = options["symbols"]
        request = CoverageRequest(
            period=options["period"],
            symbols=None if names is None else [part.strip() for part in names.split(",") if part.strip()],
            state=options["state"],
            start=options["start"],
            end=options["end"],
        )
        try:
            scope = MarketDataService(options["host"]).coverage_scope(request)
        except DeskError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        if options["csv"]:
            self._write_csv(scope)
        else:
            self._write_table(scope)

    def _write_csv(self, scope: Scope) -> None:
        self.stdout.write(",".join(COLUMNS))
        for table in coverage_pieces(scope):
            self.stdout.write(table.to_csv(index=False, header=False, date_format="%Y-%m-%dT%H:%M:%SZ"), ending="")

    def _write_table(self, scope: Scope) -> None:
        heads = ("symbol", "first", "last", "expected", "present", "proven", "missing", "last download")
        self.stdout.write(_LINE.format(*heads))
        shown, sums = 0, pd.Series(0, index=["expected", "present", *_PROVEN, "missing"])
        for table in coverage_pieces(scope):
            shown += len(table)
            sums = sums + table[sums.index].sum()
            for row in table.to_dict("records"):
                self.stdout.write(
                    _LINE.format(
                        row["symbol"],
                        _day(row["first_ts"]),
                        _day(row["last_ts"]),
                        row["expected"],
                        row["present"],
                        sum(row[name] for name in _PROVEN),
                        row["missing"],
                        "-" if pd.isna(row["last_sync_at"]) else f"{row['last_sync_at']:%Y-%m-%d %H:%M} UTC",
                    ).rstrip()
                )
        self.stdout.write(
            f"{shown} of {len(scope.rows)} instruments, {scope.period.code}: {sums['expected']} days expected, "
            f"{sums['present']} present, {sums[_PROVEN].sum()} proven absent, {sums['missing']} missing"
        )


def _day(stamp: Any) -> str:
    return "-" if pd.isna(stamp) else ts_date(int(stamp)).isoformat()
