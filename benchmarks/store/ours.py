"""Measure the quote store through its public services on the configured database, prints JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django
import generator

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]
REPEATS = 5


def timed(work: Callable[[], object]) -> float:
    """Seconds of one run."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Empty the tables before each write; report medians."""
    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from marketdata.quotes.columns import BAR, QuoteColumns
    from marketdata.quotes.periods import Period
    from marketdata.quotes.reader import read_bars
    from marketdata.quotes.store import bars_upsert, segments_merge

    call_command("migrate", database="quotes", verbosity=0)
    parts = []
    for number in range(generator.SYMBOLS):
        columns = generator.symbol_bars(number)
        ts = columns.pop("ts")
        parts.append(QuoteColumns.build(BAR, instrument_id=number + 1, ts=ts, columns=columns))
    rows = QuoteColumns.concat(parts)
    ids = range(1, generator.SYMBOLS + 1)
    connection = connections["quotes"]

    def run_sql(statement: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return int(cursor.fetchone()[0]) if cursor.description else 0

    def fresh(work: Callable[[], object]) -> float:
        run_sql("DELETE FROM quotes_rawquote")
        run_sql("DELETE FROM quotes_quotesegment")
        if connection.vendor == "postgresql":
            run_sql("VACUUM quotes_rawquote")
            run_sql("VACUUM quotes_quotesegment")
        return timed(work)

    def median(work: Callable[[], float]) -> float:
        return statistics.median(work() for _ in range(REPEATS))

    def read(wanted: range) -> object:
        return read_bars(wanted, Period.MINUTE_1, 0, 1 << 60).to_frame()

    def upsert() -> object:
        return bars_upsert(period=Period.MINUTE_1, rows=rows)

    def merge() -> object:
        return segments_merge(period=Period.MINUTE_1, rows=rows)

    result: dict[str, float] = {"rows": len(rows)}
    result["upsert"] = median(lambda: fresh(upsert))
    result["upsert_same"] = median(lambda: timed(upsert))
    result["save"] = median(lambda: fresh(merge))
    result["save_same"] = median(lambda: timed(merge))
    result["read_all"] = median(lambda: timed(lambda: read(ids)))
    result["read_one"] = median(lambda: timed(lambda: read(range(7, 8))))
    result["bytes"] = run_sql("SELECT SUM(LENGTH(payload) + LENGTH(day_counts) + 60) FROM quotes_quotesegment")
    assert read_bars(ids, Period.MINUTE_1, 0, 1 << 60).ts.size == len(rows)
    sys.stdout.write(json.dumps(result))


main()
