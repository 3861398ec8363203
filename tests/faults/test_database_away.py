"""PostgreSQL is away for a minute: orders are refused clearly, what the broker said meanwhile is not lost, and it goes on by itself."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from tests.faults.harness import Stack, clerk_of, until
from tests.postgres import Postgres, postgres_server

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

SYMBOL: Final = "600519.SH"
ALPHA: Final = "8000000001"
OPENING_CASH: Final = "50000000.00"
AWAY_SECONDS: Final = 60.0


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres_server(durable=True) as made:
        yield made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_database_away_for_a_minute_loses_nothing_and_refuses_clearly(server: Postgres) -> None:
    port = free_port()
    stack = Stack(PORT=str(port), **server.environment())
    base = f"http://127.0.0.1:{port}/api/v1"
    try:
        stack.prepare()
        stack.start_valkey()
        control = stack.start_terminal("--account", f"{ALPHA}:{OPENING_CASH}", "--account", "8000000002")
        stack.start_worker()
        stack.start("web", [sys.executable, "manage.py", "web"])
        token = stack.manage("token_create", "alice", "--scopes", "orders:write,account:read,market:read").split()[0]
        headers = {"Authorization": f"Bearer {token}"}
        with clerk_of(stack) as clerk, control, httpx.Client(base_url=base, headers=headers, timeout=60) as client:
            clerk.until_session(seconds=120)
            clerk.ask("limits_off")
            facts = clerk.ask("quote_instrument", symbol=SYMBOL)
            account = clerk.ask("account_id")
            wish = {"account": account, "symbol": SYMBOL, "side": "BUY", "price_type": "LIMIT", "quantity": 100}

            def place(price: str) -> httpx.Response:
                return client.post("/orders", json={**wish, "price": price})

            def lives() -> bool:
                try:
                    return client.get("/health/live").status_code == 200
                except httpx.HTTPError:
                    return False

            until(lives, 60, "the web process")
            resting = place(facts["limit_down"]).json()["id"]
            clerk.until_status(resting, "REPORTED", seconds=60)
            # What the broker says of this one arrives while nobody can store it.
            control.arm("delay", "push:order", seconds=10.0, count=-1)
            control.arm("delay", "push:trade", seconds=10.0, count=-1)
            crossing = place(facts["limit_up"]).json()["id"]
            clerk.until_sent(crossing, seconds=60)
            server.stop()
            stopped = time.monotonic()
            refused = place(facts["limit_down"])
            assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
            control.clear()
            while time.monotonic() - stopped < AWAY_SECONDS:
                time.sleep(1)
            at_broker = len(stack.broker_orders(ALPHA))
            assert at_broker == 2
            server.start()
            until(lambda: place(facts["limit_down"]).status_code == 201, 60, "an accepted order")
            row = clerk.until_status(crossing, "FILLED", "PARTIALLY_FILLED", seconds=90)
            assert row["trades"] >= 1
            clerk.until_session(seconds=90)
            clerk.ask("cancel_open")

            def books_agree() -> bool:
                wrong = clerk.ask("hold_books", state=str(stack.terminal_state()), opening=OPENING_CASH)
                return not any(wrong.values())

            until(books_agree, 90, "equal books")
        assert "0 findings" in stack.manage("verify")
    finally:
        stack.close()
