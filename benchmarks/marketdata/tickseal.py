"""What sealing a day of the whole market's ticks takes, and how long others wait for it.

    PYTHONPATH=platform:. python -m benchmarks.marketdata.tickseal                      # 550 of the 5,500 instruments
    PYTHONPATH=platform:. python -m benchmarks.marketdata.tickseal --instruments 5500   # the whole: 15 GB of disk, 15 minutes

A tick every three seconds of the four hours (4,800 a day and instrument; random-walk prices, random volumes) is stored as hot
rows, then sealed as the core worker does it (`ticks_seal`), on SQLite. Three processes: one generates, one seals, one stores live
bars meanwhile, as a data worker does. Printed are seconds and rows a second, the sealing process's peak memory, the
worst pause of another thread in it (its other duties), and the worst time that the neighbour's write took.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]

DAY = date(2026, 1, 5)
TICKS = 4_800
INSTRUMENTS_PER_WRITE = 10
LIVE_BARS = 500
BEAT_SECONDS = 0.02


def setup(state: str) -> None:
    """Django on a state folder of this run."""
    os.environ |= {"DESK_ENV": "test", "DESK_STATE_DIR": state, "TZ": "Asia/Shanghai"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "desk.settings"
    time.tzset()
    import django

    django.setup()


def generate(instruments: int) -> None:
    """Store the day's hot ticks."""
    from django.core.management import call_command

    from marketdata.quotes.columns import TICK, QuoteColumns
    from marketdata.quotes.periods import Period, date_ts
    from marketdata.quotes.store import bars_upsert

    call_command("migrate", "-v0")
    call_command("migrate", "-v0", "--database", "quotes")
    at = np.arange(TICKS)
    stamps = date_ts(DAY) + 34_200_000 + at * 3_000 + (at >= TICKS // 2) * 5_400_000
    for first in range(1, instruments + 1, INSTRUMENTS_PER_WRITE):
        parts = []
        for number in range(first, min(first + INSTRUMENTS_PER_WRITE, instruments + 1)):
            random = np.random.default_rng(number)
            last = np.round(20.0 * np.exp(np.cumsum(random.normal(0, 0.0005, TICKS))), 2)
            volume = np.cumsum(random.integers(0, 50, TICKS)) * 100
            columns: dict[str, Any] = {
                "seq": np.zeros(TICKS, dtype=np.int64),
                "last": last,
                "open": np.full(TICKS, last[0]),
                "high": np.maximum.accumulate(last),
                "low": np.minimum.accumulate(last),
                "pre_close": np.full(TICKS, 20.0),
                "volume": volume,
                "amount": np.round(volume * last, 2),
                "pvolume": volume,
                "transactions": np.cumsum(random.integers(0, 9, TICKS)),
                "status": np.full(TICKS, 13),
            }
            for level in range(1, 6):
                for side, sign in (("bid", -1), ("ask", 1)):
                    columns[f"{side}{level}"] = np.round(last + sign * level / 100, 2)
                    columns[f"{side}_volume{level}"] = random.integers(1, 999, TICKS) * 100
            parts.append(QuoteColumns.build(TICK, instrument_id=number, ts=stamps, columns=columns))
        bars_upsert(period=Period.TICK, rows=QuoteColumns.concat(parts))


def seal() -> dict[str, float]:
    """Seal the day; what it took."""
    from datetime import timedelta

    from marketdata.services.retention import ticks_seal

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = threading.Event()
    worst = 0.0

    def other_duty() -> None:
        nonlocal worst
        while not done.is_set():
            began = time.perf_counter()
            time.sleep(BEAT_SECONDS)
            worst = max(worst, time.perf_counter() - began - BEAT_SECONDS)

    thread = threading.Thread(target=other_duty)
    thread.start()
    began = time.perf_counter()
    rows = ticks_seal(DAY + timedelta(days=1))
    seconds = time.perf_counter() - began
    done.set()
    thread.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "rows": rows,
        "seconds": seconds,
        "rows_per_second": rows / seconds,
        "mb_at_start": before / 1024,
        "mb_peak": peak / 1024,
        "other_thread_waits_ms": worst * 1000,
    }


def beside() -> None:
    """Store live bars once a second until the parent closes our input; the worst time of one write."""
    from marketdata.quotes.columns import BAR, QuoteColumns
    from marketdata.quotes.periods import Period, date_ts
    from marketdata.quotes.store import bars_upsert

    over = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    took: list[float] = []
    price = 10.0
    while not over.wait(0.2):
        price += 0.01
        rows = QuoteColumns.build(
            BAR,
            instrument_id=np.arange(1, LIVE_BARS + 1),
            ts=np.full(LIVE_BARS, date_ts(DAY) + 86_400_000 + 34_260_000),
            columns={
                **dict.fromkeys(("open", "high", "low", "close"), np.full(LIVE_BARS, price)),
                "volume": np.full(LIVE_BARS, 100),
            },
        )
        began = time.perf_counter()
        bars_upsert(period=Period.MINUTE_1, rows=rows)
        took.append(time.perf_counter() - began)
    print(
        json.dumps(
            {
                "writes": len(took),
                "write_median_ms": sorted(took)[len(took) // 2] * 1000,
                "write_worst_ms": max(took) * 1000,
            }
        )
    )


def main() -> None:
    """Run the three processes and print what they measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instruments", type=int, default=550)
    parser.add_argument("--part", choices=("generate", "seal", "beside"), help=argparse.SUPPRESS)
    parser.add_argument("--state", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        setup(options.state)
        if options.part == "generate":
            generate(options.instruments)
        elif options.part == "seal":
            print(json.dumps(seal()))
        else:
            beside()
        return
    state = tempfile.mkdtemp(prefix="desk-bench-")
    try:
        command = [sys.executable, str(HERE), "--state", state, "--instruments", str(options.instruments), "--part"]
        began = time.perf_counter()
        subprocess.run([*command, "generate"], check=True)
        print(f"generated in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        neighbour = subprocess.Popen([*command, "beside"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        sealed = subprocess.run([*command, "seal"], check=True, stdout=subprocess.PIPE, text=True).stdout
        answer, _ = neighbour.communicate()
        print(json.dumps({name: round(value) for name, value in (json.loads(sealed) | json.loads(answer)).items()}))
    finally:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
