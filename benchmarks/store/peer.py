"""Measure vnpy_sqlite on the benchmark's data. Runs in a virtualenv of its own, prints JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import generator
import pandas as pd
from vnpy.trader.constant import Exchange, Interval
from vnpy.trader.object import BarData
from vnpy_sqlite.sqlite_database import SqliteDatabase, path

ZONE = ZoneInfo("Asia/Shanghai")
START, END = datetime(2023, 1, 1, tzinfo=ZONE), datetime(2030, 1, 1, tzinfo=ZONE)
FIELDS = ["datetime", "open_price", "high_price", "low_price", "close_price", "volume", "turnover"]


def bar_objects(number: int) -> list[Any]:
    """Build one instrument's bars as the peer wants them."""
    columns = generator.symbol_bars(number)
    return [
        BarData(
            gateway_name="DB",
            symbol=f"{600000 + number}",
            exchange=Exchange.SSE,
            datetime=datetime.fromtimestamp(int(ts) / 1000, ZONE),
            interval=Interval.MINUTE,
            volume=float(volume),
            turnover=float(amount),
            open_price=float(open_),
            high_price=float(high),
            low_price=float(low),
            close_price=float(close),
        )
        for ts, open_, high, low, close, volume, amount in zip(*columns.values(), strict=True)
    ]


def load_frame(database: Any, number: int) -> pd.DataFrame:
    """Read one instrument into a DataFrame."""
    bars = database.load_bar_data(f"{600000 + number}", Exchange.SSE, Interval.MINUTE, START, END)
    return pd.DataFrame([[getattr(bar, name) for name in FIELDS] for bar in bars], columns=FIELDS)


def main() -> None:
    """Save everything once, then read it."""
    database = SqliteDatabase()
    numbers = range(generator.SYMBOLS)
    objects = [bar_objects(number) for number in numbers]
    started = time.perf_counter()
    for bars in objects:
        database.save_bar_data(bars)
    save = time.perf_counter() - started
    started = time.perf_counter()
    frame = pd.concat([load_frame(database, number) for number in numbers])
    read_all = time.perf_counter() - started
    ones = []
    for number in range(5):
        started = time.perf_counter()
        load_frame(database, number)
        ones.append(time.perf_counter() - started)
    result = {
        "rows": len(frame),
        "save": save,
        "read_all": read_all,
        "read_one": statistics.median(ones),
        "bytes": Path(path).stat().st_size,
    }
    sys.stdout.write(json.dumps(result))


main()
