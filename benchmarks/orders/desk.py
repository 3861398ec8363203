"""The installation that the order benchmarks measure: real processes on loopback, one account, no limits in force."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from tests.faults.harness import Clerk, Stack, clerk_of, until
from tests.postgres import temporary_postgres

SYMBOL = "600519.SH"
ACCOUNT_NO = "8000000001"
LIMITS = ("limit_up", "limit_down")
OPENING_CASH = "10000000000.00"


@dataclass
class Desk:
    """A running installation, and what a client needs to trade on it."""

    stack: Stack
    clerk: Clerk
    base: str
    token: str
    account: int
    last: Decimal

    @property
    def crossing(self) -> str:
        """A buying price that takes what is offered, inside the 2% cage."""
        return f"{self.last * Decimal('1.015'):.2f}"

    @property
    def resting(self) -> str:
        """A buying price that rests."""
        return f"{self.last * Decimal('0.95'):.2f}"

    def body(self, price: str, quantity: int = 100) -> dict[str, Any]:
        """One order's request."""
        return {
            "account": self.account,
            "symbol": SYMBOL,
            "side": "BUY",
            "quantity": quantity,
            "price_type": "LIMIT",
            "price": price,
        }

    def client(self) -> httpx.AsyncClient:
        """A REST client with the token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.AsyncClient(base_url=self.base, headers=headers, timeout=60)

    def books(self) -> list[str]:
        """What differs between the terminal's book and ours; empty when nothing does."""
        wrong = self.clerk.ask("hold_books", state=str(self.stack.terminal_state()), opening=OPENING_CASH)
        return [words for found in wrong.values() for words in found]


@contextlib.contextmanager
def databases(kind: str) -> Iterator[dict[str, str]]:
    """Environment of the chosen database; PostgreSQL with its durability on."""
    if kind == "sqlite":
        yield {}
        return
    with temporary_postgres(durable=True) as environment:
        yield environment


@contextlib.contextmanager
def desk(kind: str, *, terminal: Sequence[str] = (), symbol: str = SYMBOL, **settings: str) -> Iterator[Desk]:
    """Start everything on a fresh installation.

    Parameters
    ----------
    kind
        ``sqlite`` or ``postgresql``.
    terminal
        More options of the simulated terminal.
    """
    with databases(kind) as environment:
        port = _free_port()
        stack = Stack(PORT=str(port), **environment, **settings)
        try:
            stack.prepare()
            stack.start_valkey()
            stack.start_terminal(
                "--account", f"{ACCOUNT_NO}:{OPENING_CASH}", "--account", "8000000002", *terminal
            ).close()
            stack.start_worker()
            stack.start("web", [sys.executable, "manage.py", "web"])
            scopes = "orders:write,account:read,market:read"
            # As the limits, the token's own rate (600 requests a minute) is out of the way: the most it may have.
            token = stack.manage("token_create", "alice", "--scopes", scopes, "--rate", "60000").split()[0]
            with clerk_of(stack) as clerk:
                clerk.until_session(seconds=60)
                clerk.ask("limits_off")
                facts = clerk.ask("quote_instrument", symbol=symbol)
                last = Decimal(facts["last"])
                # No data worker feeds quotes here: the price cage stands around the previous close, which is told as the
                # present price.
                clerk.ask("instrument", symbol=symbol, pre_close=str(last), **{n: str(facts[n]) for n in LIMITS})
                base = f"http://127.0.0.1:{port}"
                until(lambda: _alive(base), 30, "the web process")
                yield Desk(stack, clerk, base, token, clerk.ask("account_id"), last)
        finally:
            stack.close()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the samples lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _alive(base: str) -> bool:
    try:
        return httpx.get(f"{base}/api/v1/health/live", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
