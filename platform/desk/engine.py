"""What runs in the engine's process beside the live bars: the one place that knows all of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from marketdata.engine import QuoteListener
from marketdata.engine import run as run_engine
from trading.grids.engine import GridListener
from trading.signals.engine import SignalEngine

#: Made when the process starts, in this order.
LISTENERS: tuple[Callable[[], QuoteListener], ...] = (SignalEngine, GridListener)


def run(stop: threading.Event) -> None:
    """Run the engine with everything that follows its quotes, until ``stop`` is set."""
    run_engine(stop, [make() for make in LISTENERS])
