"""Faults with processes that really die: terminal, Valkey, trade worker and the services, each its own process."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from qmt.terminal.control import ControlClient
from tests.faults.harness import Clerk, Stack, clerk_of, until

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.timeout(240)]

SYMBOL = "600519.SH"
ALPHA = "8000000001"
#: A killed worker's lease runs out and its order is proven absent within a test's patience.
SHORT = {"DESK_ORDER_RESPONSE_SECONDS": "2", "DESK_ORDER_ABSENCE_SECONDS": "2", "DESK_HOST_LEASE_SECONDS": "4"}


class Desk:
    """A running installation and what a test does with it."""

    def __init__(self, stack: Stack, clerk: Clerk, control: ControlClient) -> None:
        self.stack, self.clerk, self.control = stack, clerk, control
        self.facts: dict[str, str] = {}

    def ready(self) -> None:
        """Wait for the order session and learn the instrument."""
        self.clerk.until_session()
        self.facts = self.clerk.ask("quote_instrument", symbol=SYMBOL)

    def rest(self, **fields: str) -> str:
        """Place an order that rests in the book; returns its id."""
        row = self.clerk.submit(
            symbol=SYMBOL, side="BUY", quantity=100, price_type="LIMIT", price=self.facts["limit_down"], **fields
        )
        assert row["status"] != "DENIED", (row["deny_code"], row["message"])
        return str(row["id"])

    def at_broker(self) -> list[dict[str, object]]:
        """The broker's own orders."""
        return self.stack.broker_orders(ALPHA)


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A migrated installation with the demo people, made once."""
    stack = Stack()
    try:
        stack.prepare()
        folder = Path(tempfile.mkdtemp(prefix="desk-template-"))
        shutil.copytree(stack.folder, folder, dirs_exist_ok=True)
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        stack.close()


@pytest.fixture
def desk(template: Path) -> Iterator[Desk]:
    stack = Stack(**SHORT)
    try:
        stack.prepare(template)
        stack.start_valkey()
        control = stack.start_terminal()
        with clerk_of(stack) as clerk, control:
            yield Desk(stack, clerk, control)
    finally:
        stack.close()


def seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def test_worker_killed_between_claim_and_call_order_is_not_found(desk: Desk) -> None:
    desk.stack.start_worker(crash_point="after-claim")
    desk.ready()
    order_id = desk.rest()
    assert until(lambda: desk.stack.exit_code("trade"), 10, "the kill") == -9
    assert desk.clerk.order(order_id)["status"] == "SUBMITTING"
    desk.stack.start_worker()
    row = desk.clerk.until_status(order_id, "NOT_FOUND", seconds=60)
    assert "LOST_SIGHT" in row["events"]
    assert desk.at_broker() == []
    assert float(row["reserved_cash"]) > 0


def test_worker_killed_between_call_and_response_order_is_adopted(desk: Desk) -> None:
    desk.stack.start_worker(crash_point="after-submit")
    desk.ready()
    desk.control.arm("delay", "orderStock", seconds=5.0)
    desk.control.arm("lose", "push:order", count=-1)
    order_id = desk.rest()
    assert until(lambda: desk.stack.exit_code("trade"), 10, "the kill") == -9
    desk.control.clear()
    desk.stack.start_worker()
    desk.clerk.until_status(order_id, "REPORTED", seconds=60)
    assert len(desk.at_broker()) == 1


def test_worker_killed_takes_orders_again_within_ten_seconds(desk: Desk) -> None:
    desk.stack.start_worker()
    desk.ready()
    holder = desk.clerk.ask("session")["lease_holder"]
    desk.stack.stop("trade", kill=True)
    began = time.monotonic()
    desk.stack.start_worker()
    desk.clerk.until_session(not_holder=holder)
    assert time.monotonic() - began < 10
    desk.clerk.until_status(desk.rest(), "REPORTED")


def test_redis_down_while_orders_are_placed_they_are_accepted_and_sent_by_the_poll(desk: Desk) -> None:
    desk.stack.start_worker()
    desk.ready()
    desk.stack.stop("valkey", kill=True)
    orders = [desk.rest() for _ in range(3)]
    for order_id in orders:
        desk.clerk.until_status(order_id, "REPORTED", seconds=15)
        # The broker's push may be booked before the note that the call returned.
        row = desk.clerk.until_sent(order_id)
        assert seconds_between(row["submitted_at"], row["sent_at"]) < 3
        assert row["sent_at"] < row["expires_at"]
    assert len(desk.at_broker()) == 3


def test_redis_restarted_while_orders_are_placed_each_is_sent_once(desk: Desk) -> None:
    desk.stack.start_worker()
    desk.ready()
    orders = [desk.rest()]
    desk.stack.stop("valkey", kill=True)
    orders.append(desk.rest())
    desk.stack.start_valkey()
    orders += [desk.rest() for _ in range(2)]
    for order_id in orders:
        desk.clerk.until_status(order_id, "REPORTED", seconds=15)
    assert len(desk.at_broker()) == 4


def test_terminal_killed_with_orders_resting_they_are_followed_again(desk: Desk) -> None:
    desk.stack.start_worker()
    desk.ready()
    order_id = desk.rest()
    desk.clerk.until_status(order_id, "REPORTED")
    desk.stack.stop("terminal", kill=True)
    desk.clerk.until_session("SICK")
    with desk.stack.start_terminal():
        desk.clerk.until_session(seconds=40)
        desk.clerk.ask("cancel", order_id=order_id)
        desk.clerk.until_status(order_id, "CANCELLED", seconds=20)


def test_bulk_load_locks_the_quotes_database_orders_go_on(desk: Desk) -> None:
    desk.stack.start_worker()
    desk.ready()
    with desk.stack.locked("quotes.sqlite3"):
        order_id = desk.rest()
        desk.clerk.until_status(order_id, "REPORTED", seconds=10)


def test_default_database_locked_while_an_order_waits_it_is_sent_in_time_or_expires(desk: Desk) -> None:
    desk.stack.start_worker()
    desk.ready()
    order_id = desk.rest()
    with desk.stack.locked("desk.sqlite3"):
        time.sleep(3)
    row = desk.clerk.until_status(order_id, "REPORTED", "EXPIRED", "NOT_FOUND", seconds=60)
    assert len(desk.at_broker()) == (1 if row["status"] == "REPORTED" else 0)


def test_worker_stopped_in_order_closes_its_session_and_gives_the_lease_back(desk: Desk) -> None:
    desk.stack.start_worker()
    desk.ready()
    order_id = desk.rest()
    desk.clerk.until_status(order_id, "REPORTED")
    began = time.monotonic()
    assert desk.stack.stop("trade") == 0
    assert time.monotonic() - began < 5
    session = desk.clerk.ask("session")
    assert (session["lease_holder"], session["session_state"]) == ("", "DOWN")
