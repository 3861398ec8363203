"""The limits that a new installation begins with: suggestions for the supervision of programmatic trading.

High-frequency trading begins at 300 orders and cancels in one second or 20,000 in a day on one account (SSE/SZSE/BSE
programmatic-trading rules, in force since 2025-07-07); no other public numeric threshold is known. The
defaults stay far below. 500,000 ST shares per stock, day and account is the exchanges' own limit.
"""

from __future__ import annotations

from typing import Any, Final

#: kind, value, parameters
DEFAULTS: Final[tuple[tuple[str, str | None, dict[str, Any]], ...]] = (
    ("ORDERS_PER_SECOND", "10", {}),
    ("ORDERS_PER_DAY", "2000", {}),
    ("CANCEL_RATIO", "50", {"warn": "30", "minimum": 20}),
    ("DUPLICATE_ORDER", "1", {}),
    ("SELF_TRADE", None, {}),
    ("ST_DAY_QUANTITY", "500000", {}),
)
