"""Database first, automatic repair: `python examples/run_mvp_db.py 600519.SH 20240102 20240131`.

Runs beside a running platform (`make run`): what the database lacks, its data worker downloads, verifies and stores.
"""

import os
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(root / "platform"), str(root)]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "desk.settings")

import django

django.setup()

from marketdata.services import DataRequest, MarketDataService
from ops.errors import DeskError

symbol, start, end = sys.argv[1:4] if len(sys.argv) > 3 else ("600519.SH", "20240102", "20240131")
try:
    bars = MarketDataService().get(DataRequest([symbol], "1d", start, end), wait_seconds=60)
except DeskError as error:
    sys.exit(f"{error.code}: {error.message}")
print(bars.frame.to_string(index=False))
print(f"{len(bars.frame)} bars, complete: {bars.complete}, source: {bars.source}, proven holes: {bars.evidence}")
