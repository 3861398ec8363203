"""Pictures of a report as SVG. Drawn in the process of the run: no other one loads the drawing library.

The same run gives the same bytes. Colours are the colour-blind-safe ones of Wong (Nature Methods 8, 2011).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from marketdata.quotes.periods import day_date
from trading.backtest.engine import DayRecord
from trading.backtest.figures import drawdowns, equity_of

NAMES: Final = ("equity", "drawdown", "exposure", "turnover", "rules")
_BLUE, _ORANGE, _GREEN = "#0072B2", "#D55E00", "#009E73"
_STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "qmt-desk",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}


def plots(
    days: Sequence[DayRecord],
    capital: Decimal,
    compared: Sequence[float | None],
    rules: Mapping[str, Decimal],
    benchmark: str,
) -> dict[str, str]:
    """Every picture by its name (`NAMES`).

    Parameters
    ----------
    compared
        Value of the same capital in what the run is compared with, on each day; None where there is nothing.
    rules
        Profit in CNY per reason.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    dates = [day_date(day.day) for day in days]
    equity = equity_of(days, capital)

    def line(label: str, draw: Any) -> str:
        figure = Figure(figsize=(6.4, 2.6))
        axes = figure.add_subplot()
        draw(axes)
        axes.set_ylabel(label)
        return _svg(figure)

    def draw_equity(axes: Any) -> None:
        axes.plot(dates, equity[1:], color=_BLUE, linewidth=1.2, label="run")
        if all(level is not None for level in compared):
            axes.plot(dates, list(compared), color=_ORANGE, linewidth=1, label=benchmark)
            axes.legend(frameon=False)
        axes.yaxis.set_major_formatter("{x:,.0f}")

    def draw_drawdown(axes: Any) -> None:
        axes.fill_between(dates, -100 * drawdowns(equity)[1:], 0, color=_ORANGE, alpha=0.5, linewidth=0)

    def draw_exposure(axes: Any) -> None:
        shares = [100 * float(day.holdings / day.equity) if day.equity > 0 else 0.0 for day in days]
        axes.fill_between(dates, shares, 0, color=_GREEN, alpha=0.5, linewidth=0)

    def draw_turnover(axes: Any) -> None:
        months = _turnover(days)
        places = range(len(months))
        axes.bar(places, list(months.values()), color=_BLUE)
        every = max(-(-len(months) // 7), 1)
        axes.set_xticks(places[::every], [month.isoformat()[:7] for month in months][::every])

    def draw_rules(axes: Any) -> None:
        names = [reason or "(no reason)" for reason in rules]
        colours = [_GREEN if profit >= 0 else _ORANGE for profit in rules.values()]
        axes.barh(names, [float(profit) for profit in rules.values()], color=colours)

    with mpl.rc_context(_STYLE):
        return {
            "equity": line("CNY", draw_equity),
            "drawdown": line("drawdown, %", draw_drawdown),
            "exposure": line("holdings / equity, %", draw_exposure),
            "turnover": line("turnover of the month, %", draw_turnover),
            "rules": line("profit in CNY", draw_rules),
        }


def _turnover(days: Sequence[DayRecord]) -> dict[date, float]:
    """Per cent of the month's mean equity that changed hands, one side counted."""
    months: dict[date, list[DayRecord]] = {}
    for day in days:
        months.setdefault(day_date(day.day).replace(day=1), []).append(day)
    return {
        month: 50 * float(sum(day.bought + day.sold for day in own)) * len(own) / float(sum(day.equity for day in own))
        for month, own in months.items()
    }


def _svg(figure: Any) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
