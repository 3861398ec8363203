"""The faces a gateway has, behind one set of switches, so that one suite runs over each.

``A`` is the SDK over a real terminal process, ``B`` the terminal in this process, ``fed`` one in this process whose market is the
quotes of another. ``real`` is a QMT
terminal with a simulated account on Windows, on demand: set ``DESK_CONTRACT_USERDATA``,
``DESK_CONTRACT_QUOTES`` (host:port) and ``DESK_CONTRACT_ACCOUNT``.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from qmt.gateway import AccountRef, QuoteGateway, TradeEvent, TradeGateway
from qmt.sdk import open_quote_gateway, open_trade_gateway
from qmt.terminal.control import ControlClient
from qmt.terminal.fed import FedMarket
from qmt.terminal.fedfeed import Feed
from qmt.terminal.inprocess import InProcessTerminal, default_calendar
from qmt.terminal.types import AccountConfig

ACCOUNTS = tuple(f"77{number:08d}" for number in range(1, 61))
SESSION_IDS = (501, 502, 503, 504)
START_SECONDS = 30
PLATFORM = Path(__file__).resolve().parents[2] / "platform"


class Face(Protocol):
    """A terminal and its switches."""

    @property
    def name(self) -> str:
        """Which one it is."""

    def account(self) -> AccountRef:
        """An account that no other test uses."""

    def trade(self, sink: Callable[[TradeEvent], None]) -> TradeGateway:
        """A trade session, not opened yet."""

    def quotes(self) -> QuoteGateway:
        """A quote session, not connected yet."""

    @property
    def address(self) -> str:
        """Where a quote session connects."""

    def advance(self, seconds: float) -> None:
        """Let market time pass."""

    def arm(self, action: str, target: str = "*", **options: Any) -> None:
        """Arm a fault."""

    def clear(self) -> None:
        """Disarm all faults."""

    def drop(self, *, announce: bool = True) -> None:
        """Cut the links."""

    def restart(self) -> None:
        """Restart the terminal; returns when it is back."""

    def order_by_hand(self, account: AccountRef, symbol: str, quantity: int, price: float) -> int:
        """Buy as the terminal's own user."""

    def set_account_status(self, account: AccountRef, status: int) -> None:
        """Change an account's login status."""


class FaceB:
    """The terminal in this process."""

    name = "B"
    address = "127.0.0.1:0"

    def __init__(self) -> None:
        self.host = InProcessTerminal(accounts=[AccountConfig(number) for number in ACCOUNTS])
        self._accounts = itertools.cycle(ACCOUNTS)

    def account(self) -> AccountRef:
        return AccountRef(next(self._accounts))

    def trade(self, sink: Callable[[TradeEvent], None]) -> TradeGateway:
        return self.host.trade_gateway(sink)

    def quotes(self) -> QuoteGateway:
        return self.host.quote_gateway()

    def advance(self, seconds: float) -> None:
        self.host.advance(seconds)

    def arm(self, action: str, target: str = "*", **options: Any) -> None:
        self.host.arm(action, target, **options)

    def clear(self) -> None:
        self.host.faults.clear()

    def drop(self, *, announce: bool = True) -> None:
        self.host.drop_link(announce=announce)

    def restart(self) -> None:
        self.host.restart()

    def order_by_hand(self, account: AccountRef, symbol: str, quantity: int, price: float) -> int:
        order_id, message = self.host.terminal.place_by_hand(
            {
                "account_id": account.account_no,
                "account_type": account.account_type,
                "stock_code": symbol,
                "order_type": 23,
                "order_volume": quantity,
                "price_type": 11,
                "price": price,
            }
        )
        assert order_id > 0, message
        return order_id

    def set_account_status(self, account: AccountRef, status: int) -> None:
        with self.host.terminal.lock:
            self.host.terminal.trade.set_account_status(account.account_no, status)

    def close(self) -> None:
        self.host.close()


class FaceFed(FaceB):
    """The terminal in this process, fed from a second one that plays the quote host."""

    name = "fed"

    def __init__(self) -> None:
        self.source = InProcessTerminal()
        self._seconds = 0.0
        self.feed = Feed(
            "source",
            gateway=self.source.quote_gateway(),
            address=lambda: FaceB.address,
            monotonic=lambda: self._seconds,
        )
        assert self.feed.poll()
        market = FedMarket(self.feed, default_calendar())
        self.host = InProcessTerminal(
            market=market, clock=market, accounts=[AccountConfig(number) for number in ACCOUNTS]
        )
        self._accounts = itertools.cycle(ACCOUNTS)

    def advance(self, seconds: float) -> None:
        left = seconds
        while left > 0:
            stride = min(1.0, left)
            left -= stride
            self._seconds += stride
            self.source.advance(stride)
            self.feed.poll()
            self.host.step()

    def close(self) -> None:
        super().close()
        self.source.close()


class FaceA:
    """The SDK's own Python layer over a terminal process."""

    name = "A"

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.userdata = state_dir / "terminal" / "contract" / "userdata_mini"
        self._accounts = itertools.cycle(ACCOUNTS)
        self._log = (state_dir / "terminal.log").open("ab")
        self.process = self.start()
        self.control = ControlClient(self.userdata)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process and wait until it has announced itself."""
        command = [sys.executable, "-m", "qmt.terminal", "--state-dir", str(self.state_dir), "--host-name", "contract"]
        for number in ACCOUNTS:
            command += ["--account", number]
        environment = os.environ | {"PYTHONPATH": str(PLATFORM), "TZ": "Asia/Shanghai"}
        process = subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log)
        end = time.monotonic() + START_SECONDS
        while not (self.userdata / "terminal.json").exists():
            assert process.poll() is None, (self.state_dir / "terminal.log").read_text()
            assert time.monotonic() < end, "the terminal did not announce itself"
            time.sleep(0.02)
        return process

    @property
    def address(self) -> str:
        facts = json.loads((self.userdata / "terminal.json").read_text())
        return f"{facts['host']}:{facts['port']}"

    def account(self) -> AccountRef:
        return AccountRef(next(self._accounts))

    def trade(self, sink: Callable[[TradeEvent], None]) -> TradeGateway:
        return open_trade_gateway(
            native="simulated",
            userdata=self.userdata,
            session_ids=SESSION_IDS,
            pool_dir=self.state_dir / "sessions",
            sink=sink,
        )

    def quotes(self) -> QuoteGateway:
        return open_quote_gateway(native="simulated", data_dir=self.userdata / "datadir")

    def advance(self, seconds: float) -> None:
        self.control.advance(seconds)

    def arm(self, action: str, target: str = "*", **options: Any) -> None:
        self.control.arm(action, target, **options)

    def clear(self) -> None:
        self.control.clear()

    def drop(self, *, announce: bool = True) -> None:
        self.control.drop(announce=announce)

    def restart(self) -> None:
        started = json.loads((self.userdata / "terminal.json").read_text())["started_at"]
        self.control.restart(down_seconds=0.2)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                if json.loads((self.userdata / "terminal.json").read_text())["started_at"] != started:
                    return
            except FileNotFoundError:
                pass
            assert time.monotonic() < end, "the terminal did not come back"
            time.sleep(0.02)

    def order_by_hand(self, account: AccountRef, symbol: str, quantity: int, price: float) -> int:
        from decimal import Decimal

        placed = self.control.order(account.account_no, symbol, "BUY", quantity, Decimal(str(price)))
        assert placed["order_id"] > 0, placed
        return int(placed["order_id"])

    def set_account_status(self, account: AccountRef, status: int) -> None:
        self.control.account_status(account.account_no, status)

    def close(self) -> None:
        self.control.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self._log.close()


class FaceReal:
    """A real terminal with a simulated account; it has no switches, so only the tests that need none run over it."""

    name = "real"

    def __init__(self) -> None:
        self.userdata = Path(os.environ["DESK_CONTRACT_USERDATA"])
        self.address = os.environ["DESK_CONTRACT_QUOTES"]

    def account(self) -> AccountRef:
        return AccountRef(os.environ["DESK_CONTRACT_ACCOUNT"])

    def trade(self, sink: Callable[[TradeEvent], None]) -> TradeGateway:
        return open_trade_gateway(
            native="real",
            userdata=self.userdata,
            session_ids=SESSION_IDS,
            pool_dir=self.userdata / "sessions",
            sink=sink,
        )

    def quotes(self) -> QuoteGateway:
        return open_quote_gateway(native="real")

    def advance(self, seconds: float) -> None:
        time.sleep(seconds)

    def clear(self) -> None:
        """Nothing can be armed."""

    def arm(self, action: str, target: str = "*", **options: Any) -> None:
        raise NotImplementedError

    def drop(self, *, announce: bool = True) -> None:
        raise NotImplementedError

    def restart(self) -> None:
        raise NotImplementedError

    def order_by_hand(self, account: AccountRef, symbol: str, quantity: int, price: float) -> int:
        raise NotImplementedError

    def set_account_status(self, account: AccountRef, status: int) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing was started."""


def chosen_faces() -> list[str]:
    """The faces to run over: the real one is added on demand."""
    return ["B", "A", "fed", *(["real"] if "DESK_CONTRACT_USERDATA" in os.environ else [])]
