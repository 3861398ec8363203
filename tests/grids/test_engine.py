"""Grids in the engine's process: quotes in from the reading thread, decisions out of one thread of their own."""

from __future__ import annotations

import time

import pytest
from django.db import OperationalError

from desk.engine import LISTENERS
from tests.grids.field import Field
from tests.orders.bench import MOUTAI
from trading.grids.engine import WAITING_LIMIT, GridListener
from trading.orders.models import Order

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


class Driven(GridListener):
    """The listener without its thread: the test turns it."""

    def turn(self) -> None:
        self._next_round = 0.0
        self._turn()


@pytest.fixture
def listener(field: Field, monkeypatch: pytest.MonkeyPatch) -> Driven:
    monkeypatch.setattr("trading.grids.engine.close_old_connections", lambda: None)
    return Driven()


def message(field: Field, price: str, *, host: str = "sim") -> dict[str, object]:
    field.wait(3)
    quote = field.quote(price)
    field._store(quote)
    return {"t": int(field.now.timestamp() * 1000), "host": host, "q": {MOUTAI: quote, "000001.SZ": quote}}


def test_listener_is_composed_into_the_engine() -> None:
    assert GridListener in LISTENERS


def test_listener_carries_quotes_to_an_order(field: Field, listener: Driven) -> None:
    grid = field.start()
    listener.turn()
    for price in ("10.60", "10.80", "10.74"):
        listener.quotes(message(field, price))
    listener.turn()
    (order,) = field.orders(grid)
    assert order.quantity == 500
    detail = listener.detail()
    assert (detail["followed"], detail["quotes"], detail["decided"], detail["waiting"]) == (1, 3, 1, 0)


def test_listener_follows_quotes_in_the_order_they_came(field: Field, listener: Driven) -> None:
    grid = field.start()
    listener.turn()
    for price in ("10.60", "10.90", "10.80"):  # all three wait for one turn
        listener.quotes(message(field, price))
    listener.turn()
    assert str(field.signals(grid)[0].extreme) == "10.900000"


def test_listener_keeps_only_what_somebody_follows(field: Field, listener: Driven) -> None:
    listener.turn()
    listener.quotes(message(field, "10.60"))
    assert listener.detail()["waiting"] == 0


def test_listener_waits_for_the_database_and_loses_no_grid(
    field: Field, listener: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = field.start()
    listener.turn()
    with monkeypatch.context() as away:

        def fail() -> int:
            raise OperationalError("away")

        away.setattr("trading.grids.engine.round_turn", fail)
        away.setattr("trading.grids.engine.ROUND_SECONDS", 0.0)
        listener.turn()
    for price in ("10.60", "10.80", "10.74"):
        listener.quotes(message(field, price))
    listener.turn()
    assert len(field.orders(grid)) == 1


def test_listener_follows_again_what_could_not_be_decided(
    field: Field, listener: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = field.start()
    listener.turn()
    for price in ("10.60", "10.80", "10.74"):
        listener.quotes(message(field, price))
    with monkeypatch.context() as away:

        def fail(*_args: object) -> None:
            raise OperationalError("away")

        away.setattr("trading.grids.watch.signal_raise", fail)
        away.setattr("trading.grids.engine.ROUND_SECONDS", 0.0)
        listener.turn()
    assert listener.detail()["waiting"] == 1
    listener.turn()
    assert [str(signal.extreme) for signal in field.signals(grid)] == ["10.800000"]
    assert len(field.orders(grid)) == 1


def test_listener_drops_the_oldest_quotes_before_it_grows_without_bound(field: Field, listener: Driven) -> None:
    field.start()
    listener.turn()
    one = message(field, "10.00")
    started = time.monotonic()
    for _ in range(1000):
        listener.quotes(one)
    assert time.monotonic() - started < 5
    assert listener.detail()["waiting"] == 1000 <= WAITING_LIMIT
    assert not Order.objects.exists()


def test_listener_stores_peaks_when_it_ends(field: Field, listener: Driven) -> None:
    grid = field.start()
    listener.turn()
    for price in ("10.60", "10.80"):
        listener.quotes(message(field, price))
    listener._evaluate()
    listener._last_turn()
    assert str(field.fresh(grid).extreme) == "10.800000"
