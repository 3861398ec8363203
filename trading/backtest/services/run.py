"""The process of one back-test: load, run, store. What goes wrong stands on its row."""

from __future__ import annotations

import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from django.db import transaction

from marketdata.quotes.periods import day_date
from ops.clocks import wall_now
from ops.errors import Code, DeskError
from ops.jobs import job_progress
from trading.backtest.choices import BacktestState
from trading.backtest.engine import Engine, RunResult, Turn
from trading.backtest.figures import comparison, drawdowns, equity_of, performance, trading
from trading.backtest.identity import code_version
from trading.backtest.loading import Loaded, Wanted, load
from trading.backtest.models import Backtest, BacktestDay, BacktestOrder, BacktestPlot, BacktestTrade, BacktestTrip
from trading.backtest.plots import plots
from trading.backtest.services.settings import run_settings
from trading.backtest.trips import RuleFigures, Trip, rules_of, trips_of
from trading.ledger.wire import money
from trading.strategies.interface import OrderState, ParameterError, Strategy
from trading.strategies.loading import LoadError, check_warm_up
from trading.strategies.loading import load as load_strategy
from trading.strategies.services.catalogue import found_of

ROWS_AT_ONCE = 2_000
_TRACE = 8_000


def backtest_run(backtest_id: uuid.UUID, *, on_turn: Callable[[Turn], Turn] = lambda turn: turn) -> Backtest:
    """Run a back-test whose row says RUNNING, in this process, and store what it led to.

    Parameters
    ----------
    on_turn
        Wraps the function that records progress (a command shows it, too).

    Returns
    -------
    Backtest
        DONE, or FAILED with its code and message; as it was when somebody gave it up meanwhile.
    """
    row = Backtest.objects.select_related("plugin").get(pk=backtest_id)
    try:
        _run(row, on_turn(_progress(row)))
    except DeskError as error:
        _fail(row, error.code, error.message)
    except LoadError as error:
        _fail(row, Code.STRATEGY_UNUSABLE, str(error))
    except MemoryError:
        _fail(row, Code.STRATEGY_FAILED, "it took more memory than a strategy may have")
    except Exception:  # noqa: BLE001 - the strategy's code may raise anything
        _fail(row, Code.STRATEGY_FAILED, traceback.format_exc()[-_TRACE:])
    row.refresh_from_db()
    return row


def made_strategy(row: Backtest) -> Strategy:
    """The strategy's object with the row's parameters.

    Raises
    ------
    LoadError
        The version is not there any more, or its parameters do not fit it.
    """
    made = load_strategy(found_of(row.plugin))
    try:
        strategy = made(row.parameters)
    except ParameterError as error:
        raise LoadError(str(error)) from None
    check_warm_up(strategy.warm_up)
    return strategy


def wanted_of(row: Backtest, strategy: Strategy) -> Wanted:
    """The bars a back-test is made of."""
    return Wanted(
        symbols=row.symbols,
        period=row.period,
        start=row.start,
        end=row.end,
        warm_up=strategy.warm_up,
        benchmark=row.benchmark,
        accept_gaps=row.settings["accept_gaps"],
    )


def _run(row: Backtest, on_turn: Turn) -> None:
    strategy = made_strategy(row)
    loaded = load(wanted_of(row, strategy), owner=row.owner_id)
    if not len(loaded.tape):
        raise DeskError(Code.DATA_UNAVAILABLE, "none of the instruments has a bar in these days")
    started = time.perf_counter()
    engine = Engine(
        strategy,
        loaded.tape,
        run_settings(row.capital, row.settings),
        calendar=loaded.calendar,
        is_raw=loaded.is_raw,
    )
    result = engine.run(on_turn)
    row.seconds = time.perf_counter() - started
    _store(row, loaded, result)


def _progress(row: Backtest) -> Turn:
    """Record how far the run is; what was given up ends by the watcher's hand."""

    def turn(done: int, total: int) -> None:
        if row.job is not None:
            job_progress(row.job, done=done, total=total, message=f"{done} of {total} instants")

    return turn


def _store(row: Backtest, loaded: Loaded, result: RunResult) -> None:
    """Everything in one transaction, and only while the row still runs."""
    capital, risk_free = result.settings.capital, float(row.settings["risk_free"])
    trips = trips_of(result)
    compared = comparison(result.days, capital, loaded.benchmark_days, loaded.benchmark_close, risk_free)
    curve = compared.pop("curve") if compared is not None else [None] * len(result.days)
    row.figures = {
        **performance(result.days, capital, risk_free),
        "trading": trading(trips),
        "orders": _order_counts(result),
        "fees": money(sum((day.fees for day in result.days), start=result.days[0].fees * 0)),
        "equity": money(result.days[-1].equity),
        "comparison": compared,
    }
    rules = rules_of(result, trips)
    pictures = plots(result.days, capital, curve, {rule.reason: rule.entered for rule in rules}, row.benchmark)
    row.rules = [_rule(rule) for rule in rules]
    row.lines = [{"ts": line.ts, "text": line.message, "facts": _plain(line.facts)} for line in result.lines]
    row.source = {
        "host": loaded.host,
        "simulated": loaded.simulated,
        "basis": "raw" if loaded.is_raw else "front_adjusted",
        "missing_days": loaded.missing_days,
        "bars": int(np.count_nonzero(~np.isnan(loaded.tape.values[loaded.tape.first :, :, 3]))),
        "lines_dropped": result.lines_dropped,
    }
    row.data_digest, row.code_version = loaded.tape.digest(), code_version()
    with transaction.atomic():
        held = Backtest.objects.filter(pk=row.pk, state=BacktestState.RUNNING).update(
            state=BacktestState.DONE,
            figures=row.figures,
            rules=row.rules,
            lines=row.lines,
            source=row.source,
            data_digest=row.data_digest,
            code_version=row.code_version,
            seconds=row.seconds,
            finished_at=wall_now(),
        )
        if held:
            _store_rows(row, result, trips, curve)
            BacktestPlot.objects.bulk_create(
                BacktestPlot(backtest=row, name=name, svg=svg) for name, svg in pictures.items()
            )


def _store_rows(row: Backtest, result: RunResult, trips: list[Trip], curve: list[float | None]) -> None:
    numbers = {placed.order.id: number for number, placed in enumerate(result.orders, 1)}
    BacktestDay.objects.bulk_create(_days(row, result, curve), batch_size=ROWS_AT_ONCE)
    BacktestOrder.objects.bulk_create(_orders(row, result, numbers), batch_size=ROWS_AT_ONCE)
    BacktestTrade.objects.bulk_create(_trades(row, result, numbers), batch_size=ROWS_AT_ONCE)
    BacktestTrip.objects.bulk_create(
        (_trip(row, number, trip) for number, trip in enumerate(trips, 1)), batch_size=ROWS_AT_ONCE
    )


def _days(row: Backtest, result: RunResult, curve: list[float | None]) -> Iterator[BacktestDay]:
    falls = drawdowns(equity_of(result.days, result.settings.capital))[1:].tolist()
    for day, fall, level in zip(result.days, falls, curve, strict=True):
        yield BacktestDay(
            backtest=row,
            day=day_date(day.day),
            cash=day.cash,
            holdings=day.holdings,
            bought=day.bought,
            sold=day.sold,
            fees=day.fees,
            drawdown=fall,
            compared=level,
        )


def _orders(row: Backtest, result: RunResult, numbers: Mapping[str, int]) -> Iterator[BacktestOrder]:
    for placed in result.orders:
        order = placed.order
        yield BacktestOrder(
            backtest=row,
            number=numbers[order.id],
            key=order.id,
            asked_ts=placed.asked_ts,
            ended_ts=placed.ended_ts or None,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            price_type=order.price_type,
            price=order.price,
            reason=order.reason,
            state=order.state,
            filled=order.filled,
            average_price=order.average_price,
            code=order.code,
        )


def _trades(row: Backtest, result: RunResult, numbers: Mapping[str, int]) -> Iterator[BacktestTrade]:
    for number, trade in enumerate(result.trades, 1):
        yield BacktestTrade(
            backtest=row,
            number=number,
            order=numbers[trade.order_id],
            ts=trade.ts,
            symbol=trade.symbol,
            side=trade.side,
            quantity=trade.quantity,
            price=trade.price,
            fees=trade.fees,
            reason=trade.reason,
        )


def _trip(row: Backtest, number: int, trip: Trip) -> BacktestTrip:
    return BacktestTrip(
        backtest=row,
        number=number,
        symbol=trip.symbol,
        quantity=trip.quantity,
        opened_ts=trip.opened_ts,
        closed_ts=trip.closed_ts,
        cost=trip.cost,
        proceeds=trip.proceeds,
        income=trip.income,
        entry_reason=trip.entry_reason,
        exit_reason=trip.exit_reason,
    )


def _order_counts(result: RunResult) -> dict[str, Any]:
    orders = [placed.order for placed in result.orders]
    refused: dict[str, int] = {}
    for order in orders:
        if order.state is OrderState.REFUSED:
            refused[order.code] = refused.get(order.code, 0) + 1
    return {
        "asked": len(orders),
        "filled": sum(order.state is OrderState.FILLED for order in orders),
        "filled_in_part": sum(0 < order.filled < order.quantity for order in orders),
        "cancelled": sum(order.state is OrderState.CANCELLED for order in orders),
        "refused": refused,
        "fills": len(result.trades),
    }


def _rule(rule: RuleFigures) -> dict[str, Any]:
    return {
        "reason": rule.reason,
        "orders": rule.orders,
        "refused": rule.refused,
        "filled": rule.filled,
        "bought": money(rule.bought),
        "sold": money(rule.sold),
        "fees": money(rule.fees),
        "trips": rule.trips,
        "wins": rule.wins,
        "profit_entered": money(rule.entered),
        "profit_left": money(rule.left),
    }


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        str(name)[:40]: value if value is None or isinstance(value, bool | int) else str(value)[:200]
        for name, value in list(facts.items())[:20]
    }


def _fail(row: Backtest, code: Code, message: str) -> None:
    Backtest.objects.filter(pk=row.pk, state=BacktestState.RUNNING).update(
        state=BacktestState.FAILED, code=str(code), message=message, finished_at=wall_now()
    )
