"""How long a scan of the whole market for missing bars takes, on SQLite and PostgreSQL, through the public service.

    PYTHONPATH=platform:. python -m benchmarks.marketdata.gapscan [--postgres postgresql://USER@HOST:PORT/NAME]

5,000 instruments × 5 years of daily bars and 1,000 instruments × 1 year of minutes are generated (random walk, random
volumes), sealed, and given holes; what each scan finds is compared with the holes that were made. PostgreSQL is a server of
our own with durable settings unless one is given. Writing the minutes takes a minute and 0.7 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]

from benchmarks.store import generator  # noqa: E402

if TYPE_CHECKING:
    from marketdata.quotes.periods import Int64Array, Period

REPEATS = 5
DAILY_SYMBOLS, MINUTE_SYMBOLS = 5_000, 1_000
DAILY_START, MINUTE_START, END = date(2019, 1, 1), date(2023, 1, 1), date(2023, 12, 31)
HOLES_PER_SYMBOL = 3
SYMBOLS_PER_WRITE = 100

Figures = dict[str, float]


def holes(number: int, days: Int64Array) -> Int64Array:
    """Positions of the days that an instrument lacks: some inside, the last one at an end of every fifth."""
    random = np.random.default_rng(generator.SEED + 1_000_000 + number)
    found = random.choice(len(days), HOLES_PER_SYMBOL, replace=False)
    if number % 5 == 0:
        found[-1] = 0 if number % 2 else len(days) - 1
    return np.unique(found)


def write(period: Period, symbols: int, days: Int64Array, labels: Int64Array) -> int:
    """Store every instrument's bars but its holes; returns how many instrument-days are missing."""
    from marketdata.quotes.columns import BAR, QuoteColumns
    from marketdata.quotes.periods import day_start_ts
    from marketdata.quotes.store import segments_merge

    missing = 0
    for first in range(0, symbols, SYMBOLS_PER_WRITE):
        parts = []
        for number in range(first, first + SYMBOLS_PER_WRITE):
            gone = holes(number, days)
            missing += len(gone)
            there = np.delete(days, gone)
            stamps = (day_start_ts(there)[:, None] + labels).ravel()
            columns = generator.symbol_bars(number, len(stamps))
            del columns["ts"]
            parts.append(QuoteColumns.build(BAR, instrument_id=number + 1, ts=stamps, columns=columns))
        segments_merge(period=period, rows=QuoteColumns.concat(parts))
    return missing


def prepare() -> dict[str, int]:
    """Instruments, calendar, host, bars; returns the number of missing instrument-days by period."""
    from accounts.models import HostStatus, QmtHost
    from marketdata.models import Instrument, TradingDay
    from marketdata.quotes.periods import Period, day_number
    from marketdata.services.axis import minute_labels
    from qmt.calendar import load_sse_calendar

    now = datetime.now(UTC)
    facts: dict[str, Any] = {"market": "SH", "board": "MAIN", "kind": "STOCK", "tick": "0.01", "updated_at": now}
    sizes = ("lot_size", "min_quantity", "quantity_step", "volume_unit", "max_limit_quantity", "max_market_quantity")
    Instrument.objects.bulk_create(
        Instrument(
            pk=number + 1,
            symbol=f"{600_000 + number}.SH",
            name=f"{number}",
            list_date=DAILY_START - timedelta(days=1),
            **facts,
            **dict.fromkeys(sizes, 100),
        )
        for number in range(DAILY_SYMBOLS)
    )
    dates = load_sse_calendar().between(DAILY_START, END + timedelta(days=5))
    TradingDay.objects.bulk_create(TradingDay(market="SH", date=day) for day in dates)
    today = next(day for day in dates if day > END)
    clock = datetime(today.year, today.month, today.day, 2, tzinfo=UTC)  # 10:00 in Shanghai
    HostStatus.objects.create(
        host=QmtHost.objects.create(name="sim"),
        trade_date=today,
        phase="CONTINUOUS",
        clock_offset_ms=int((clock - now) / timedelta(milliseconds=1)),
        simulated=True,
        updated_at=now,
    )
    days = np.array([day_number(day) for day in dates if day <= END], dtype=np.int64)
    midnight = np.zeros(1, dtype=np.int64)
    recent = days[days >= day_number(MINUTE_START)]
    return {
        "1d": write(Period.DAY_1, DAILY_SYMBOLS, days, midnight),
        "1m": write(Period.MINUTE_1, MINUTE_SYMBOLS, recent, minute_labels()),
    }


def median_ms(work: Callable[[], object]) -> float:
    """Median of some runs after one that warms up."""
    work()
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


def measure() -> Figures:
    """Measure on the databases that the environment names."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from marketdata.selectors import instrument_rows
    from marketdata.services import MarketDataService
    from marketdata.services.coverage import CoverageRequest, coverage_months, coverage_table

    for database in ("default", "quotes"):
        call_command("migrate", database=database, verbosity=0)
    missing = prepare()
    if connections["quotes"].vendor == "postgresql":
        with connections["quotes"].cursor() as cursor:
            cursor.execute("VACUUM ANALYZE quotes_quotesegment")
    service = MarketDataService("sim")
    some = [row.symbol for row in instrument_rows()][:MINUTE_SYMBOLS]
    first, recent, last = (f"{day:%Y%m%d}" for day in (DAILY_START, MINUTE_START, END))
    assert service.gaps("1d", first, last).days_missing == missing["1d"]
    assert service.gaps("1m", recent, last, symbols=some).days_missing == missing["1m"]
    daily = service.coverage_scope(CoverageRequest("1d", start=first, end=last))
    assert coverage_table(daily)["missing"].sum() == missing["1d"]
    return {
        "daily": median_ms(lambda: service.gaps("1d", first, last)),
        "minutes": median_ms(lambda: service.gaps("1m", recent, last, symbols=some)),
        "table": median_ms(
            lambda: coverage_table(service.coverage_scope(CoverageRequest("1d", start=first, end=last)))
        ),
        "months": median_ms(
            lambda: coverage_months(service.coverage_scope(CoverageRequest("1d", start=first, end=last)))
        ),
    }


LINES = (
    ("gap scan, 5,000 symbols x 5 years of 1d", "daily", 1000),
    ("gap scan, 1,000 symbols x 1 year of 1m", "minutes", 2000),
    ("coverage table, 5,000 symbols x 5 years of 1d", "table", None),
    ("coverage by month, 5,000 x 60", "months", 1000),
)


def main() -> None:
    """Measure both databases, then print."""
    from benchmarks.store import run
    from tests.postgres import temporary_postgres

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postgres", metavar="URL", help="a running server to measure PostgreSQL on")
    parser.add_argument("--sqlite-only", action="store_true")
    arguments = parser.parse_args()
    figures: dict[str, Figures] = {}
    print("writing 64 million bars ...", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        figures["SQLite"] = run.our_figures(folder, script=str(HERE), DESK_BENCHMARK=HERE.name)
    print(f"SQLite: {figures['SQLite']}", file=sys.stderr)
    if not arguments.sqlite_only:
        with ExitStack() as stack:
            server = arguments.postgres or stack.enter_context(temporary_postgres(durable=True))["DESK_QUOTES_URL"]
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            urls = {
                f"DESK_{name}_URL": stack.enter_context(run.scratch_database(server, f"desk_benchmark_{name.lower()}"))
                for name in ("DATABASE", "QUOTES")
            }
            figures["PostgreSQL"] = run.our_figures(folder, script=str(HERE), DESK_BENCHMARK=HERE.name, **urls)
    print(f"{'milliseconds, median of 5':50}" + "".join(f"{name:>14}" for name in figures) + f"{'wanted':>10}")
    for label, key, wanted in LINES:
        line = f"{label:50}" + "".join(f"{one[key]:>14,.0f}" for one in figures.values())
        print(line + (f"{'<= ' + format(wanted, ','):>10}" if wanted else ""))


if __name__ == "__main__":
    if os.environ.get("DESK_BENCHMARK") == HERE.name:
        sys.stdout.write(json.dumps(measure()))
    else:
        main()
