"""Texts of the pages of strategies and back-tests."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trading.backtest.choices import BacktestState
from trading.strategies.choices import Level, RunState

STRATEGY_MESSAGES: dict[str, str | Promise] = {
    **{f"run_state.{state.value}": state.label for state in RunState},
    **{f"line_level.{level.value}": level.label for level in Level},
    **{f"backtest_state.{state.value}": state.label for state in BacktestState},
    "side.BUY": _("Buy"),
    "side.SELL": _("Sell"),
    "order_state.REQUESTED": _("Asked for"),
    "order_state.WORKING": _("At the broker"),
    "order_state.FILLED": _("Filled"),
    "order_state.CANCELLED": _("Cancelled"),
    "order_state.REFUSED": _("Refused"),
    "order_state.UNKNOWN": _("Unknown"),
    "period.1m": _("1 minute"),
    "period.5m": _("5 minutes"),
    "period.1d": _("Day"),
    "range.between": _("{least} to {most}"),
    "range.from": _("from {least}"),
    "range.to": _("up to {most}"),
    "strategy.unusable": _("cannot be run: {problem}"),
    "strategy.version": _("version {digest}"),
    "strategy.none": _("No strategy lies in the folder."),
    "run.start": _("Start"),
    "run.stop": _("Stop"),
    "run.act_of": _("{act} {label}"),
    "run.made": _("The run is made. Start it when it may begin."),
    "run.orders": _("{count} orders asked for"),
    "run.hours": _("{opens} to {closes}"),
    "run.always": _("whenever the market is open"),
    "run.equity": _("Equity"),
    "run.cash": _("Cash"),
    "run.realised": _("Realised"),
    "run.unrealised": _("Unrealised"),
    "run.fees": _("Fees"),
    "run.positions": _("Holdings"),
    "run.nothing_held": _("nothing"),
    "backtest.started": _("The back-test is under way."),
    "backtest.cancel": _("Give up"),
    "backtest.remove": _("Remove"),
    "backtest.remove_question": _("Remove this back-test with its report?"),
    "backtest.progress": _("{done} of {total}"),
    "plot.equity": _("Equity"),
    "plot.drawdown": _("Drawdown"),
    "plot.exposure": _("Exposure"),
    "plot.turnover": _("Turnover"),
    "plot.rules": _("Profit by rule"),
    "figure.total_return": _("Total return"),
    "figure.annual_return": _("Annual return"),
    "figure.annual_volatility": _("Annual volatility"),
    "figure.sharpe_ratio": _("Sharpe ratio"),
    "figure.sortino_ratio": _("Sortino ratio"),
    "figure.max_drawdown": _("Largest drawdown"),
    "figure.calmar_ratio": _("Calmar ratio"),
    "figure.turnover": _("Turnover"),
    "figure.exposure": _("Exposure"),
}


def strategy_messages() -> dict[str, str]:
    """The texts in the language in use."""
    return {key: str(text) for key, text in STRATEGY_MESSAGES.items()}
