"""Grids: started and steered by people, carried on by the engine."""

from __future__ import annotations

from trading.grids.services.control import grid_pause, grid_resume, grid_stop
from trading.grids.services.detecting import Turn, grid_finish, signal_raise
from trading.grids.services.rounds import orders_place, round_turn
from trading.grids.services.start import grid_preview, grid_start

__all__ = [
    "Turn",
    "grid_finish",
    "grid_pause",
    "grid_preview",
    "grid_resume",
    "grid_start",
    "grid_stop",
    "orders_place",
    "round_turn",
    "signal_raise",
]
