"""What a repair adds to the terminal's own time, and how much memory the data worker takes for it.

    PYTHONPATH=platform:. python -m benchmarks.marketdata.repair [--symbols 1000] [--days 244] [--period 1m]

One simulated terminal in a process of its own replays generated daily bars (random walk); minutes follow from them. Two
children use the real SDK layer over it, one after the other and with the same windows: `plain` downloads and reads
everything and keeps nothing, `repair` asks for the same bars through the repair queue, which downloads, reads back,
validates, stores, verifies and keeps evidence. Reported: the seconds of both, their ratio (goal: at most 1.3), the processor
time of both processes (it tells more than the ratio where other work shares the machine), and the largest resident memory of
the repairing process (goal: at most 600 MB). The terminal forgets between the two.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]

from benchmarks.store import generator  # noqa: E402
from qmt.calendar import load_sse_calendar  # noqa: E402
from qmt.terminal.control import ControlClient  # noqa: E402

HOST = "bench"
LAST_DAY = date(2024, 12, 31)
START_SECONDS = 120.0


def symbol(number: int) -> str:
    """Code of an instrument: Shanghai's main board, from 600000 on."""
    return f"{600_000 + number}.SH"


def write_daily(path: Path, symbols: int, days: int) -> list[date]:
    """Write daily bars of so many instruments and days; returns the days."""
    calendar = load_sse_calendar()
    trading = list(calendar.between(date(2010, 1, 1), LAST_DAY))[-days:]
    texts = [f"{day:%Y%m%d}" for day in trading]
    frames = []
    for number in range(symbols):
        random = np.random.default_rng(generator.SEED + number)
        close = np.round(np.clip(np.cumsum(random.normal(0, 0.1, days)) + 30, 5, 200), 2)
        opening = np.round(close + random.normal(0, 0.05, days), 2)
        pre_close = np.concatenate([[opening[0]], close[:-1]])
        volume = random.integers(20_000, 900_000, days)
        frames.append(
            pd.DataFrame(
                {
                    "ts_code": symbol(number),
                    "trade_date": texts,
                    "open": opening,
                    "high": np.maximum(opening, close) + 0.2,
                    "low": np.minimum(opening, close) - 0.2,
                    "close": close,
                    "pre_close": pre_close,
                    "vol": volume,
                    "amount": np.round(volume * (opening + close) / 20, 3),
                }
            ).round(2)
        )
    pd.concat(frames).to_csv(path, index=False)
    return trading


@contextmanager
def terminal(folder: Path, data: Path) -> Iterator[Path]:
    """Run a terminal over the file; gives its userdata folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "platform"), "TZ": "Asia/Shanghai"}
    command = [
        sys.executable,
        "-m",
        "qmt.terminal",
        "--state-dir",
        str(folder),
        "--host-name",
        HOST,
        "--data",
        str(data),
    ]
    process = subprocess.Popen([*command, "--basis", "front_adjusted"], env=environment)
    userdata = folder / "terminal" / HOST / "userdata_mini"
    try:
        limit = time.monotonic() + START_SECONDS
        while not (userdata / "terminal.json").exists():
            if process.poll() is not None or time.monotonic() > limit:
                raise SystemExit("the terminal did not start")
            time.sleep(0.1)
        yield userdata
    finally:
        process.terminate()
        process.wait(10)


def measure(kind: str, folder: Path, **facts: Any) -> dict[str, float]:
    """Run one child and return its figures."""
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
        "TZ": "Asia/Shanghai",
        "DESK_STATE_DIR": str(folder),
        "DESK_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "desk.settings",
        "DESK_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "benchmarks.marketdata.repairchild", kind, json.dumps(facts)]
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--symbols", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=244, help="trading days; 244 are a year")
    parser.add_argument("--period", choices=("1m", "5m", "1d"), default="1m")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="desk-bench-") as name:
        folder = Path(name)
        data = folder / "daily.csv"
        days = write_daily(data, given.symbols, given.days)
        facts = {
            "symbols": [symbol(number) for number in range(given.symbols)],
            "first": days[0].isoformat(),
            "last": days[-1].isoformat(),
            "period": given.period,
            "userdata": str(folder / "terminal" / HOST / "userdata_mini"),
        }
        with terminal(folder, data) as userdata:
            plain = measure("plain", folder, **facts)
            with ControlClient(userdata) as control:
                control.forget()
            repair = measure("repair", folder, **facts)
    ratio = repair["seconds"] / plain["seconds"]
    print(f"{given.symbols} instruments x {given.days} days of {given.period}: {plain['rows']:,.0f} rows")
    print(f"terminal's own download and read: {plain['seconds']:8.1f} s")
    print(f"repair:                           {repair['seconds']:8.1f} s   {ratio:.2f}x (goal 1.30x)")
    added = repair["cpu_seconds"] - plain["cpu_seconds"]
    print(
        f"processor time of the process:    {repair['cpu_seconds']:8.1f} s   {added:+.1f} s over {plain['cpu_seconds']:.1f} s"
    )
    print(
        f"rows stored:                      {repair['rows']:12,.0f}   instrument-days missing: {repair['missing']:.0f}"
    )
    print(
        f"largest resident memory:          {repair['peak_mb']:8.0f} MB  (goal 600 MB; plain: {plain['peak_mb']:.0f} MB)"
    )


if __name__ == "__main__":
    main()
