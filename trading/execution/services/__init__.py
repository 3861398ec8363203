"""Starting executions, driving them, and what people may do with them."""

from __future__ import annotations

from trading.execution.services.approval import execution_approve, execution_refuse
from trading.execution.services.check import execution_check
from trading.execution.services.control import (
    Ending,
    execution_cancel,
    execution_pause,
    execution_resume,
    executions_cancel,
)
from trading.execution.services.drive import step
from trading.execution.services.replace import order_replace
from trading.execution.services.start import Started, execution_start

__all__ = [
    "Ending",
    "Started",
    "execution_approve",
    "execution_cancel",
    "execution_check",
    "execution_pause",
    "execution_refuse",
    "execution_resume",
    "execution_start",
    "executions_cancel",
    "order_replace",
    "step",
]
