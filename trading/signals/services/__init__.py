"""Writes of signals: plans, what is remembered about positions, the signals themselves."""

from __future__ import annotations

from trading.signals.services.plans import exit_plan_set

__all__ = ["exit_plan_set"]
