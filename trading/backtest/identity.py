"""What of our own code decides a run's outcome, as one digest."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from ops.version import VERSION

_ROOT = Path(__file__).resolve().parents[2]
_PARTS = (
    "trading/backtest",
    "trading/strategies/book.py",
    "trading/strategies/interface.py",
    "trading/strategies/values.py",
    "trading/strategies/parameters.py",
    "marketdata/services/adjust.py",
    "platform/qmt/calendar.py",
    "platform/qmt/codes.py",
    "platform/qmt/fees.py",
    "platform/qmt/money.py",
    "platform/qmt/pricetypes.py",
    "platform/qmt/rules.py",
    "platform/qmt/terminal/ledger.py",
)


@cache
def code_version() -> str:
    """Our version and a digest of the sources that a run's outcome depends on; of the engine, top-level modules only."""
    digest = hashlib.sha256()
    for part in _PARTS:
        path = _ROOT / part
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(_ROOT).as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return f"{VERSION}+{digest.hexdigest()[:16]}"
