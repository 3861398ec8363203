"""Streams of orders through real processes, one blow each, and the books compared afterwards.

`make faults` plays all of them; `make test` one. One again: ``python -m tests.faults.run --processes --seed 5``.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.blows import POSTGRES, Blow, Stream, compose
from tests.faults.harness import Clerk, Stack, Timeout, clerk_of, until
from tests.faults.report import chosen, write_line
from tests.postgres import Postgres, postgres_server

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.timeout(240)]

ALPHA: Final = "8000000001"
SYMBOL: Final = "600000.SH"
OPENING_CASH: Final = "50000000.00"
SHORT: Final = {
    "DESK_ORDER_RESPONSE_SECONDS": "1.5",
    "DESK_ORDER_ABSENCE_SECONDS": "1.5",
    "DESK_HOST_LEASE_SECONDS": "3",
}
SETTLE_SECONDS: Final = 60
#: What `make test` plays: a worker killed at a crash point.
SAMPLE: Final = "1"
#: Who dies, and who is stopped for a while.
KILLED: Final[dict[Blow, tuple[str, ...]]] = {
    Blow.WORKER_KILLED: ("trade",),
    Blow.TERMINAL_KILLED: ("terminal",),
    Blow.VALKEY_KILLED: ("valkey",),
    Blow.EVERYTHING_KILLED: ("terminal", "trade", "valkey"),
}
FROZEN: Final[dict[Blow, str]] = {
    Blow.WORKER_STOPPED_SHORT: "trade",
    Blow.WORKER_STOPPED_LONG: "trade",
    Blow.TERMINAL_STOPPED: "terminal",
    Blow.VALKEY_STOPPED: "valkey",
}
UNRESOLVED: Final = frozenset({"QUEUED", "SUBMITTING", "SUBMITTED", "UNKNOWN", "PENDING_CANCEL"})


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A migrated installation with the demo people, made once."""
    stack = Stack()
    folder = Path(tempfile.mkdtemp(prefix="desk-template-"))
    try:
        stack.prepare()
        shutil.copytree(stack.folder, folder, dirs_exist_ok=True)
        yield folder
    finally:
        stack.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL whose databases `desk` and `quotes` are migrated and have the demo people."""
    with postgres_server(durable=True) as server:
        stack = Stack(**server.environment())
        try:
            stack.prepare()
        finally:
            stack.close()
        yield server


class Play:
    """One installation under one stream."""

    def __init__(self, stream: Stream, stack: Stack, server: Postgres | None) -> None:
        self.stream, self.stack, self.server = stream, stack, server
        self.accepted: list[str] = []
        self.facts: dict[str, Any] = {}

    def run(self) -> tuple[dict[str, list[str]], list[str], str]:
        """Returns what is wrong with the books, what else is, and how many orders ended how."""
        stream, stack = self.stream, self.stack
        stack.start_valkey()
        self.start_terminal()
        stack.start_worker(crash_point=stream.point)
        with clerk_of(stack) as clerk:
            clerk.until_session()
            clerk.ask("limits_off")  # a stream of equal orders is what the default limits are against
            self.facts = clerk.ask("quote_instrument", symbol=SYMBOL)
            if stream.lost_responses:
                with stack.control() as control:
                    control.arm("lose", "orderStock", count=stream.lost_responses)
            for number in range(len(stream.wishes)):
                self.place(clerk, number)
                if number == stream.at:
                    self.strike(clerk)
                time.sleep(0.05)
            self.heal()
            return self.settle(clerk)

    def place(self, clerk: Clerk, number: int) -> None:
        wish = self.stream.wishes[number]
        price = Decimal(self.facts["last"]) * (Decimal("1.01") if wish.crossing else Decimal("0.95"))
        try:
            row = clerk.submit(
                symbol=SYMBOL, side="BUY", quantity=wish.quantity, price_type="LIMIT", price=f"{price:.2f}",
            )  # fmt: skip
            if row["status"] == "DENIED":
                return
            self.accepted.append(row["id"])
            if wish.cancelled:
                clerk.ask("cancel", order_id=row["id"])
        except AssertionError as error:
            # The database is away: the order was refused with an error, and nothing is stored; or its cancel was.
            if self.stream.blow not in POSTGRES | {Blow.DATABASE_LOCKED} and "ORDER_FINAL" not in str(error):
                raise

    # --- the blow -------------------------------------------------------------------------------------

    def strike(self, clerk: Clerk) -> None:
        blow, stack, seconds = self.stream.blow, self.stack, self.stream.seconds
        for name in KILLED.get(blow, ()):
            stack.stop(name, kill=True)
        if blow in FROZEN:
            self.freeze(FROZEN[blow], seconds)
        elif blow is Blow.WORKER_ENDED:
            stack.stop("trade")
        elif blow is Blow.WORKER_REPLACED:
            self.replace_worker(clerk)
        elif blow in (Blow.LINK_CUT, Blow.LINK_CUT_SILENTLY):
            with stack.control() as control:
                control.drop(announce=blow is Blow.LINK_CUT)
        elif blow is Blow.DATABASE_LOCKED:
            with stack.locked("desk.sqlite3"):
                time.sleep(seconds)
        elif blow in POSTGRES:
            assert self.server is not None
            self.server.stop(hard=blow is Blow.POSTGRES_CRASHED)
            time.sleep(seconds)
            self.server.start()
            until(lambda: self.is_served(clerk), 10, "the clerk's own connection")

    @staticmethod
    def is_served(clerk: Clerk) -> bool:
        with contextlib.suppress(AssertionError):
            return bool(clerk.ask("session"))
        return False

    def replace_worker(self, clerk: Clerk) -> None:
        """Another worker takes the host of one that hangs, which then goes on.

        Between two transactions: stopped inside of one it would hold SQLite's only write lock, for everybody, until the
        supervisor kills it.
        """
        until(lambda: all(row["status"] not in UNRESOLVED for row in clerk.ask("orders")), 20, "a quiet moment")
        former = clerk.ask("session")["lease_holder"]
        self.stack.signal("trade", signal.SIGSTOP)
        while self.server is None and not self.stack.may_write("desk.sqlite3"):
            self.stack.signal("trade", signal.SIGCONT)
            time.sleep(0.05)
            self.stack.signal("trade", signal.SIGSTOP)
        self.stack.start_worker(name="second")
        clerk.until_session(not_holder=former, seconds=40)
        self.stack.signal("trade", signal.SIGCONT)

    def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP, time passes, SIGCONT."""
        self.stack.signal(name, signal.SIGSTOP)
        time.sleep(seconds)
        self.stack.signal(name, signal.SIGCONT)

    def heal(self) -> None:
        """Start again what is down, as the supervisor does."""
        stack, blow = self.stack, self.stream.blow
        down = KILLED.get(blow, ("trade",) if blow is Blow.WORKER_ENDED else ())
        if blow is Blow.WORKER_KILLED_AT:
            with contextlib.suppress(Timeout):
                until(lambda: stack.exit_code("trade") is not None, 8, "the kill")
            down = ("trade",) if stack.exit_code("trade") is not None else ()
        if "valkey" in down:
            stack.start_valkey()
        if "terminal" in down:
            self.start_terminal()
        if "trade" in down:
            stack.start_worker()

    def start_terminal(self) -> None:
        self.stack.start_terminal("--account", f"{ALPHA}:{OPENING_CASH}", "--account", "8000000002").close()

    # --- afterwards -------------------------------------------------------------------------------------

    def settle(self, clerk: Clerk) -> tuple[dict[str, list[str]], list[str], str]:
        clerk.until_session(seconds=SETTLE_SECONDS)

        def resolved() -> bool:
            rows = clerk.ask("orders")
            open_cancels = [
                row for row in rows if row["cancel_requested_at"] and row["status"] in ("REPORTED", "PARTIALLY_FILLED")
            ]
            return not open_cancels and all(row["status"] not in UNRESOLVED for row in rows)

        until(resolved, SETTLE_SECONDS, "every order resolved")
        problems = self.judge(clerk.ask("orders"))
        until(lambda: self.cancelled(clerk), SETTLE_SECONDS, "every order final")
        ends: dict[str, int] = {}
        for row in clerk.ask("orders"):
            ends[row["status"]] = ends.get(row["status"], 0) + 1
        text = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
        deadline = time.monotonic() + 15
        while True:
            wrong = clerk.ask("hold_books", state=str(self.stack.terminal_state()), opening=OPENING_CASH)
            if not any(wrong.values()) or time.monotonic() > deadline:
                return wrong, problems, text
            time.sleep(0.3)

    def cancelled(self, clerk: Clerk) -> bool:
        """Ask to cancel what still works; True once nothing does."""
        with contextlib.suppress(AssertionError):  # one of them became final meanwhile
            return not clerk.ask("cancel_open")
        return False

    def judge(self, rows: list[dict[str, Any]]) -> list[str]:
        """Orders that are not where the blow allows them to be."""
        there = {order["remark"] for order in self.stack.broker_orders(ALPHA)}
        stored = {row["id"] for row in rows}
        problems = [f"accepted order {order_id} is nowhere" for order_id in self.accepted if order_id not in stored]
        problems += [
            f"{row['id']} ended {row['status']} {row['deny_code']} {row['events']}, not in {sorted(self.stream.absent_ends)}"
            for row in rows
            if row["tag"] not in there and row["status"] not in self.stream.absent_ends | {"DENIED"}
        ]
        return problems


@pytest.mark.parametrize("seed", chosen("FAULT_PROCESS_SEEDS", SAMPLE))
def test_stream_of_orders_survives_the_blow_and_the_books_agree(
    seed: int, template: Path, request: pytest.FixtureRequest
) -> None:
    stream = compose(seed)
    server: Postgres | None = None
    environment: dict[str, str] = {}
    if stream.blow in POSTGRES:
        server = request.getfixturevalue("postgres")
        for name in ("desk", "quotes"):
            server.create(f"{name}_{seed}_{os.getpid()}", template=name)
        environment = server.environment(f"desk_{seed}_{os.getpid()}", f"quotes_{seed}_{os.getpid()}")
    stack = Stack(**SHORT, **environment)
    try:
        stack.prepare(template)
        try:
            wrong, problems, ends = Play(stream, stack, server).run()
        except AssertionError as error:
            write_line(seed, str(stream), "stuck", {}, [str(error)])
            raise AssertionError(
                f"{stream}\nstuck: {error}\n{stack.log('trade')[-2000:]}{stack.log('second')[-2000:]}"
            ) from error
        write_line(seed, str(stream), ends, wrong, problems)
        found = [*problems, *itertools.chain(*wrong.values())]
        assert found == [], f"{stream}\nended {ends}"
    finally:
        stack.close()
