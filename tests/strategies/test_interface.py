"""What an author imports: values, parameters, and the requests a context takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from trading.strategies.interface import (
    Amount,
    Bar,
    Bars,
    Choice,
    Context,
    Flag,
    Integer,
    Number,
    Order,
    OrderState,
    ParameterError,
    Position,
    PriceType,
    Side,
    Strategy,
    StrategyError,
    bar_event,
)
from trading.strategies.values import FloatArray

A, B = "600519.SH", "000001.SZ"


class Example(Strategy):
    fast = Integer(5, minimum=1, maximum=250, help="Bars of the fast average")
    width = Number(2.0, minimum=0.5, maximum=5.0)
    budget = Amount("10000", minimum=1000, maximum="1e6")
    period_of_day = Choice("all", options=("all", "morning"))
    short = Flag(default=False)


class Keeping(Context):
    """A context that keeps what was asked."""

    def __init__(self) -> None:
        super().__init__(symbols=(A, B), period="1d", warm_up=20)
        self.asked: dict[str, Order] = {}
        self.withdrawn: list[str] = []
        self.begin(bar_event("1d", 1_704_384_000_000))

    @property
    def now(self) -> datetime:
        return datetime(2024, 1, 5, 15, tzinfo=ZoneInfo("Asia/Shanghai"))

    def read_history(self, symbol: str, count: int, field: str) -> FloatArray:
        return np.zeros(0)

    def read_panel(self, count: int, field: str) -> FloatArray:
        return np.zeros((0, 2))

    @property
    def cash(self) -> Decimal:
        return Decimal(0)

    @property
    def equity(self) -> Decimal:
        return Decimal(0)

    @property
    def positions(self) -> Mapping[str, Position]:
        return {}

    @property
    def orders(self) -> Mapping[str, Order]:
        return self.asked

    def log(self, message: str, **facts: Any) -> None:
        raise NotImplementedError

    def place(self, order: Order) -> None:
        self.asked[order.id] = order

    def withdraw(self, order_id: str) -> None:
        self.withdrawn.append(order_id)


def test_interface_alone_loads_no_django() -> None:
    code = "import sys; import trading.strategies.interface; print('django' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": "platform:."}
    )
    assert answer.stdout.strip() == "False", answer.stderr


def test_parameters_without_values_are_the_defaults() -> None:
    assert Example().values() == {
        "fast": 5,
        "width": 2.0,
        "budget": "10000",
        "period_of_day": "all",
        "short": False,
    }


def test_parameters_given_are_read_from_the_object() -> None:
    strategy = Example({"fast": 10, "budget": "2000.50", "short": True})
    assert (strategy.fast, strategy.budget, strategy.short) == (10, Decimal("2000.50"), True)
    assert Example().fast == 5


def test_parameters_unknown_name_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"slow: unknown; declared are fast, width"):
        Example({"slow": 1})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("fast", 0, "0 is not between 1 and 250"),
        ("fast", 5.0, "5.0 is not a whole number"),
        ("fast", True, "True is not a whole number"),
        ("width", float("nan"), "nan is not a finite number"),
        ("width", "2", "'2' is not a finite number"),
        ("budget", 2000.5, "2000.5 is not an exact amount; write it as text"),
        ("budget", "NaN", "'NaN' is not a finite amount"),
        ("budget", "abc", "'abc' is not an amount"),
        ("budget", "999", "999 is not between 1000 and 1E+6"),
        ("period_of_day", "night", "'night' is none of all, morning"),
        ("short", 1, "1 is neither true nor false"),
    ],
)
def test_parameters_wrong_value_is_refused_with_the_reason(name: str, value: object, reason: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        Example({name: value})
    assert (refusal.value.name, refusal.value.reason) == (name, reason)


def test_parameters_default_out_of_range_fails_the_declaration() -> None:
    with pytest.raises(ParameterError):

        class Wrong(Strategy):
            fast = Integer(0, minimum=1, maximum=5)


def test_parameters_are_not_assigned_by_the_strategy() -> None:
    with pytest.raises(AttributeError, match="fast is a parameter"):
        Example().fast = 7


def test_declaration_names_kind_default_and_bounds() -> None:
    assert Example.parameters()["fast"].declaration() == {
        "name": "fast",
        "kind": "integer",
        "default": 5,
        "help": "Bars of the fast average",
        "minimum": 1,
        "maximum": 250,
    }


def bars() -> Bars:
    values = np.array([[10.0, 11.0, 9.0, 10.5, 1000.0, 10300.0], [np.nan] * 6])
    return Bars("1d", 1_704_384_000_000, {A: 0, B: 1}, values)


def test_bars_of_a_suspended_symbol_are_absent() -> None:
    closed = bars()
    assert (list(closed), len(closed), B in closed) == ([A], 1, False)
    assert closed[A] == Bar(A, "1d", 1_704_384_000_000, 10.0, 11.0, 9.0, 10.5, 1000.0, 10300.0)


def test_bars_column_has_nan_where_there_is_none() -> None:
    np.testing.assert_array_equal(bars().column("high"), [11.0, np.nan])


def test_context_orders_of_an_event_are_numbered() -> None:
    context = Keeping()
    first = context.buy(A, 100, reason="cross")
    second = context.sell(B, np.int64(200), price=Decimal("10.50"))
    assert (first, second) == ("1d:1704384000000/1", "1d:1704384000000/2")
    assert context.asked[first] == Order(first, A, Side.BUY, 100, PriceType.LATEST, None, "cross")
    assert context.asked[second] == Order(second, B, Side.SELL, 200, PriceType.LIMIT, Decimal("10.50"), "")
    assert type(context.asked[second].quantity) is int


def test_context_same_event_again_gives_the_same_ids() -> None:
    first, second = Keeping(), Keeping()
    assert first.buy(A, 100) == second.buy(A, 100)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"symbol": "600000.SH", "quantity": 100}, "not one of the run's symbols"),
        ({"symbol": A, "quantity": 0}, "positive whole number"),
        ({"symbol": A, "quantity": 100.0}, "positive whole number"),
        ({"symbol": A, "quantity": True}, "positive whole number"),
        ({"symbol": A, "quantity": 100, "price": 10.5}, "a limit is a positive Decimal"),
        ({"symbol": A, "quantity": 100, "price": Decimal("NaN")}, "a limit is a positive Decimal"),
        ({"symbol": A, "quantity": 100, "price_type": PriceType.LIMIT}, "needs its price"),
        ({"symbol": A, "quantity": 100, "price": Decimal(1), "price_type": PriceType.LATEST}, "no price of its own"),
        ({"symbol": A, "quantity": 100, "reason": "x" * 33}, "at most 32 characters"),
    ],
)
def test_context_impossible_request_raises_and_keeps_nothing(asked: dict[str, Any], words: str) -> None:
    context = Keeping()
    with pytest.raises(StrategyError, match=words):
        context.buy(asked.pop("symbol"), asked.pop("quantity"), **asked)
    assert context.asked == {}


def test_context_cancel_of_an_order_that_is_gone_is_left_alone() -> None:
    context = Keeping()
    order = context.buy(A, 100)
    context.cancel("1d:1/1")
    context.cancel(order)
    assert context.withdrawn == [order]


def test_order_open_quantity_ends_with_the_order() -> None:
    working = Order("x", A, Side.BUY, 300, PriceType.LATEST, None, "", OrderState.WORKING, filled=100)
    cancelled = Order("x", A, Side.BUY, 300, PriceType.LATEST, None, "", OrderState.CANCELLED, filled=100)
    assert (working.open_quantity, cancelled.open_quantity) == (200, 0)


@pytest.mark.parametrize(
    ("symbol", "count", "field", "words"),
    [
        (A, 21, "close", "21 bars are beyond the strategy's warm_up of 20"),
        (A, 0, "close", "0 bars are beyond"),
        (A, 5, "price", "'price' is none of open, high"),
        ("600000.SH", 5, "close", "not one of the run's symbols"),
    ],
)
def test_context_history_beyond_what_every_runner_has_raises(symbol: str, count: int, field: str, words: str) -> None:
    with pytest.raises(StrategyError, match=words):
        Keeping().history(symbol, count, field)


def test_context_history_of_the_whole_warm_up_is_read() -> None:
    assert Keeping().history(A, 20).shape == (0,)
