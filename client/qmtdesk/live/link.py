"""What the two live sockets share: where to connect, how long to wait, and the subscriptions by name."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from qmtdesk.live.session import ACCOUNT
from qmtdesk.queries import Symbols, symbol_list

#: The platform says something every 15 s; after this much silence the connection is taken for dead.
SILENCE_SECONDS = 45.0
OPEN_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 15.0
#: A connection that lasted so long worked; one that ends sooner, perhaps because the platform ends it, counts as a failure.
STEADY_SECONDS = 5.0
#: Whole-market snapshots are large.
MAX_FRAME_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a live socket connects, and as whom. The token stands in a header, never in the address."""

    url: str
    token: str = field(repr=False)

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of the websockets library's ``connect``."""
        return {
            "additional_headers": {"Authorization": f"Bearer {self.token}"},
            "open_timeout": OPEN_SECONDS,
            "max_size": MAX_FRAME_BYTES,
            "compression": None,
        }


def pause_seconds(failures: int) -> float:
    """How long to wait before the next connection: at once after one that worked, then longer, with jitter."""
    if failures == 0:
        return 0.0
    return min(0.5 * 2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311


def account_channel(account: int) -> str:
    """Name of the channel of one account."""
    return f"{ACCOUNT}{account}"


def bar_channel(period: str) -> str:
    """Name of the channel of live bars of a period, ``1m`` or ``5m``. Raises ValueError for another."""
    if period not in ("1m", "5m"):
        raise ValueError(f"live bars are 1m or 5m, not {period!r}")
    return "bars" if period == "1m" else "bars:5m"


def optional_symbols(symbols: Symbols | None) -> Sequence[str] | None:
    """Symbols as a list; None where none are named."""
    return None if symbols is None else symbol_list(symbols)
