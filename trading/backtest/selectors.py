"""Reads of back-tests: one's own, and everybody's for administrators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet

from accounts.models import User
from ops.errors import Code, NotFound
from ops.models import Job
from trading.backtest.models import Backtest, BacktestDay, BacktestOrder, BacktestPlot, BacktestTrade, BacktestTrip
from trading.ledger.wire import day, moment, money, plain


def backtests_visible_to(user: User | AnonymousUser) -> QuerySet[Backtest]:
    """Back-tests that `user` may see, newest first; without what is long in a list."""
    return Backtest.objects.visible_to(user).select_related("plugin", "owner").defer("lines", "rules")


def backtest_get(user: User | AnonymousUser, backtest_id: UUID) -> Backtest:
    """One back-test, if `user` may see it.

    Raises
    ------
    NotFound
        BACKTEST_NOT_FOUND, the same for one that does not exist.
    """
    row = Backtest.objects.visible_to(user).select_related("plugin", "owner").filter(pk=backtest_id).first()
    if row is None:
        raise NotFound(Code.BACKTEST_NOT_FOUND, backtest=str(backtest_id))
    return row


def backtest_line(row: Backtest) -> dict[str, Any]:
    """One back-test in a list."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "owner": row.owner.username,
        "strategy": row.plugin.name,
        "version": row.plugin.digest,
        "symbols": list(row.symbols),
        "period": row.period,
        "start": row.start.isoformat(),
        "end": row.end.isoformat(),
        "capital": money(row.capital),
        "state": str(row.state),
        "code": row.code,
        "job": None if row.job is None else str(row.job),
        "total_return": row.figures.get("total_return"),
        "max_drawdown": row.figures.get("max_drawdown"),
        "sharpe_ratio": row.figures.get("sharpe_ratio"),
        "created_at": moment(row.created_at),
        "finished_at": moment(row.finished_at),
    }


def backtest_view(row: Backtest) -> dict[str, Any]:
    """One back-test with its report."""
    job = None if row.job is None else Job.objects.filter(pk=row.job).first()
    return backtest_line(row) | {
        "parameters": dict(row.parameters),
        "benchmark": row.benchmark,
        "settings": dict(row.settings),
        "message": row.message,
        "data_digest": row.data_digest,
        "code_version": row.code_version,
        "origin": dict(row.source),
        "seconds": row.seconds,
        "done": 0 if job is None else job.done,
        "total": 0 if job is None else job.total,
        "figures": dict(row.figures),
        "rules": list(row.rules),
        "started_at": moment(row.started_at),
    }


def backtest_plot(row: Backtest, name: str) -> str:
    """One picture of the report as SVG.

    Raises
    ------
    NotFound
        FILE_NOT_FOUND: there is no such picture, or the run has not ended.
    """
    svg = BacktestPlot.objects.filter(backtest=row, name=name).values_list("svg", flat=True).first()
    if svg is None:
        raise NotFound(Code.FILE_NOT_FOUND, backtest=str(row.pk), plot=name[:40], state_of_backtest=str(row.state))
    return svg


def day_view(row: BacktestDay) -> dict[str, Any]:
    """The run at the close of one trade date."""
    return {
        "day": day(row.day),
        "cash": money(row.cash),
        "holdings": money(row.holdings),
        "equity": money(row.cash + row.holdings),
        "bought": money(row.bought),
        "sold": money(row.sold),
        "fees": money(row.fees),
        "drawdown": row.drawdown,
        "compared": row.compared,
    }


def order_view(row: BacktestOrder) -> dict[str, Any]:
    """One request of the strategy and what became of it."""
    return {
        "number": row.number,
        "id": row.key,
        "asked_ts": row.asked_ts,
        "ended_ts": row.ended_ts,
        "symbol": row.symbol,
        "side": str(row.side),
        "quantity": row.quantity,
        "price_type": str(row.price_type),
        "price": plain(row.price),
        "reason": row.reason,
        "state": row.state,
        "filled": row.filled,
        "average_price": plain(row.average_price),
        "code": row.code,
    }


def trade_view(row: BacktestTrade) -> dict[str, Any]:
    """One fill."""
    return {
        "number": row.number,
        "order": row.order,
        "ts": row.ts,
        "symbol": row.symbol,
        "side": str(row.side),
        "quantity": row.quantity,
        "price": plain(row.price),
        "fees": money(row.fees),
        "reason": row.reason,
    }


def trip_view(row: BacktestTrip) -> dict[str, Any]:
    """One round trip."""
    return {
        "number": row.number,
        "symbol": row.symbol,
        "quantity": row.quantity,
        "opened_ts": row.opened_ts,
        "closed_ts": row.closed_ts,
        "cost": money(row.cost),
        "proceeds": money(row.proceeds),
        "income": money(row.income),
        "profit": money(row.proceeds + row.income - row.cost),
        "entry_reason": row.entry_reason,
        "exit_reason": row.exit_reason,
    }


TABLES: Final[Mapping[str, tuple[type[Model], str, Callable[[Any], dict[str, Any]]]]] = {
    "days": (BacktestDay, "day", day_view),
    "orders": (BacktestOrder, "number", order_view),
    "trades": (BacktestTrade, "number", trade_view),
    "trips": (BacktestTrip, "number", trip_view),
}
"""Rows of a back-test by the name they have in addresses: model, order, view."""


def table_rows(row: Backtest, table: str) -> Iterator[dict[str, Any]]:
    """All rows of one of `TABLES`, in order."""
    model, order, view = TABLES[table]
    for entry in model._default_manager.filter(backtest=row).order_by(order).iterator(2_000):
        yield view(entry)
