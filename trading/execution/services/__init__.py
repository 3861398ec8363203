"""Starting executions, driving them, and what people may do with them."""

from __future__ import annotations

from trading.execution.services.control import execution_cancel, execution_pause, execution_resume
from trading.execution.services.drive import step
from trading.execution.services.replace import order_replace
from trading.execution.services.start import Started, execution_start

__all__ = [
    "Started",
    "execution_cancel",
    "execution_pause",
    "execution_resume",
    "execution_start",
    "order_replace",
    "step",
]
