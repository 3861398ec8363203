"""Writes of back-tests."""

from trading.backtest.services.start import backtest_cancel, backtest_remove, backtest_start, backtest_start_here

__all__ = ["backtest_cancel", "backtest_remove", "backtest_start", "backtest_start_here"]
