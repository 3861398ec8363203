"""240,000 one-minute bars over REST: into a DataFrame of the Python client, and as streamed JSON.

    PYTHONPATH=platform:client:. python -m benchmarks.rest.bars [--symbols 50] [--repeats 7]

50 instruments × 20 days × 241 minutes are generated (random walk, random volumes) and sealed; one web process serves them.
Reported: the in-process read through the public service, the client's read as Arrow and their ratio (goal: at most 3; both
frames are compared value by value), and how far the web process grows above its idle memory while it streams the same
bars as JSON to a fast and to a slow reader (goal: at most 100 MB).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT / "client"), str(ROOT)]

from benchmarks.stand import free_port, stop, wait_for  # noqa: E402
from benchmarks.store import generator  # noqa: E402
from qmtdesk import Desk  # noqa: E402

START, END = date(2023, 6, 1), date(2023, 6, 30)
DAYS = 20
SAMPLE_SECONDS = 0.005
PAUSE_SECONDS = 0.02
Timed = tuple[float, float]


def prepare(symbols: int) -> list[str]:
    """Instruments, calendar, a market clock and sealed bars in the database that the environment names."""
    from accounts.models import HostStatus, QmtHost
    from marketdata.models import Instrument, TradingDay
    from marketdata.quotes.columns import BAR, QuoteColumns
    from marketdata.quotes.periods import Period, day_number, day_start_ts
    from marketdata.quotes.store import segments_merge
    from marketdata.services.axis import minute_labels
    from qmt.calendar import load_sse_calendar

    now = datetime.now(UTC)
    sizes = ("lot_size", "min_quantity", "quantity_step", "volume_unit", "max_limit_quantity", "max_market_quantity")
    facts = {"market": "SH", "board": "MAIN", "kind": "STOCK", "tick": "0.01", "updated_at": now}
    Instrument.objects.all().delete()
    rows = Instrument.objects.bulk_create(
        Instrument(symbol=f"{600_000 + n}.SH", name=f"{n}", list_date=START, **facts, **dict.fromkeys(sizes, 100))
        for n in range(symbols)
    )
    dates = load_sse_calendar().between(START, END + timedelta(days=5))
    TradingDay.objects.all().delete()
    TradingDay.objects.bulk_create(TradingDay(market="SH", date=day) for day in dates)
    today = next(day for day in dates if day > END)
    clock = datetime(today.year, today.month, today.day, 2, tzinfo=UTC)  # 10:00 in Shanghai
    HostStatus.objects.update_or_create(
        host=QmtHost.objects.get(name="sim"),
        defaults={
            "trade_date": today,
            "phase": "CONTINUOUS",
            "clock_offset_ms": int((clock - now) / timedelta(milliseconds=1)),
            "simulated": True,
            "updated_at": now,
        },
    )
    days = np.array([day_number(day) for day in dates if day <= END], dtype=np.int64)
    assert len(days) == DAYS
    stamps = (day_start_ts(days)[:, None] + minute_labels()).ravel()
    parts = []
    for number, row in enumerate(rows):
        columns = generator.symbol_bars(number, len(stamps))
        del columns["ts"]
        parts.append(QuoteColumns.build(BAR, instrument_id=row.pk, ts=stamps, columns=columns))
    segments_merge(period=Period.MINUTE_1, rows=QuoteColumns.concat(parts))
    return [row.symbol for row in rows]


@contextmanager
def platform(state: str, symbols: int) -> Iterator[tuple[str, str, list[str], psutil.Process]]:
    """Data, Valkey and one web process; address, token, symbols and the process."""
    os.environ |= {"DESK_ENV": "test", "DESK_STATE_DIR": state, "TZ": "Asia/Shanghai", "DESK_LOG_LEVEL": "ERROR"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "desk.settings"
    import django

    django.setup()
    from django.core.management import call_command

    from desk.settings.schema import get_config
    from desk.supervisor import plan

    for database in ("default", "quotes"):
        call_command("migrate", database=database, verbosity=0)
    manage = [sys.executable, str(ROOT / "manage.py")]
    quiet = subprocess.DEVNULL
    subprocess.run([*manage, "demo_data"], check=True, stdout=quiet)
    create = [*manage, "token_create", "alice", "--scopes", "market:read"]
    token = subprocess.run(create, check=True, capture_output=True, text=True).stdout.split()[-1]
    names = prepare(symbols)
    plan.prepare_folders(get_config())
    port = free_port()
    valkey = subprocess.Popen(plan.valkey(get_config()).command, stdout=quiet, stderr=quiet)
    web = subprocess.Popen([*manage, "web", "--port", str(port)], stdout=quiet, stderr=quiet)
    try:
        wait_for(port, web)
        yield f"http://127.0.0.1:{port}", token, names, psutil.Process(web.pid)
    finally:
        for process in (web, valkey):
            stop(process)


def median_ms(work: Callable[[], object], repeats: int) -> float:
    """Median of some runs after one that warms up."""
    work()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


def growth_mb(process: psutil.Process, work: Callable[[], object]) -> float:
    """How far a process's resident memory rises above where it was, while `work` runs."""
    idle = process.memory_info().rss
    highest, done = idle, threading.Event()

    def watch() -> None:
        nonlocal highest
        while not done.wait(SAMPLE_SECONDS):
            highest = max(highest, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return (highest - idle) / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    state = tempfile.mkdtemp(prefix="desk-bench-")
    try:
        with platform(state, given.symbols) as (url, token, names, web):
            report(url, token, names, web, given.repeats)
    finally:
        shutil.rmtree(state, ignore_errors=True)


def report(url: str, token: str, names: list[str], web: psutil.Process, repeats: int) -> None:
    """Measure one running platform."""
    from marketdata.services import DataRequest, MarketDataService

    span = {"start": f"{START:%Y%m%d}", "end": f"{END:%Y%m%d}"}
    service = MarketDataService("sim")
    request = DataRequest(names, "1m", **span)
    query = {"symbols": ",".join(names), "period": "1m", "format": "json", **span}
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}

    def stream(pause_seconds: float = 0.0) -> int:
        size = 0
        with httpx.stream("GET", f"{url}/api/v1/bars", params=query, headers=headers, timeout=120) as answer:
            answer.raise_for_status()
            for piece in answer.iter_raw(65_536):
                size += len(piece)
                time.sleep(pause_seconds)
        return size

    with Desk(url, token, progress=False) as desk:
        theirs, ours = service.get(request, wait_seconds=0).frame, desk.bars(names, "1m", **span)
        assert len(ours) == len(theirs) == len(names) * DAYS * 241
        for name in ("open", "high", "low", "close", "volume", "amount"):
            assert (ours[name].to_numpy() == theirs[name].to_numpy()).all(), name
        inside = median_ms(lambda: service.get(request, wait_seconds=0), repeats)
        outside = median_ms(lambda: desk.bars(names, "1m", **span), repeats)
    print(f"{len(ours):,} bars of {len(names)} instruments, median of {repeats}")
    print(f"in process, complete, to a DataFrame  {inside:9.1f} ms")
    print(f"REST as Arrow, to a DataFrame         {outside:9.1f} ms   {outside / inside:.2f} x (goal <= 3)")
    for word, pause in (("fast", 0.0), ("slow", PAUSE_SECONDS)):
        started, sizes = time.perf_counter(), []
        grown = growth_mb(web, lambda: sizes.append(stream(pause)))  # noqa: B023 - called at once
        seconds = time.perf_counter() - started
        print(
            f"REST as JSON, {word} reader             {seconds * 1000:9.1f} ms   {sizes[0] / 2**20:.0f} MB, "
            f"web process grows by {grown:.0f} MB (goal <= 100)"
        )


if __name__ == "__main__":
    main()
