"""The whole platform as `manage.py up` runs it, orders that keep coming, and a socket that listens: what outages are proven with."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Self
from uuid import uuid4

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests import prepared
from tests.faults.harness import Clerk, Stack, clerk_of, until

SYMBOL: Final = "000001.SZ"
ACCOUNT_NO: Final = "8000000001"
SCOPES: Final = ("market:read", "account:read", "orders:write")
START_SECONDS: Final = 300.0
SETTLE_SECONDS: Final = 120.0
#: An answer that takes this long is a request that hangs.
HANGS_SECONDS: Final = 20.0
#: Pause between two orders of the load.
PAUSE_SECONDS: Final = 0.5
ENDED: Final = frozenset({"FILLED", "CANCELLED", "PARTIALLY_CANCELLED", "REJECTED", "EXPIRED", "NOT_FOUND", "DENIED"})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Whole(Stack):
    """An installation whose processes a supervisor starts, and starts again."""

    def __init__(self, **settings: str) -> None:
        self.port = free_port()
        rpc = {"DESK_RPC_PORT": str(free_port())}
        super().__init__(DESK_ENV="demo", DESK_DEBUG="false", PORT=str(self.port), **rpc, **settings)
        # The bundled server, as a person has it.
        del self.environment["DESK_REDIS_URL"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def begin(self) -> None:
        """Prepare, start everything and wait until the platform says that it is ready."""
        on_server = "DESK_DATABASE_URL" in self.environment
        if on_server or not prepared.copied("demo", self.folder):
            self.manage("prepare", seconds=900)
        up = self.start("up", [sys.executable, "manage.py", "up"])

        def ready() -> bool:
            assert up.poll() is None, self.log("up")[-4000:]
            return "QMT Desk is ready" in self.log("up")

        until(ready, START_SECONDS, "the platform")

    def children(self) -> dict[str, int]:
        """The supervisor's processes by name, and their numbers of now."""
        records = [json.loads(path.read_text("utf-8")) for path in (self.folder / "run").glob("*.pid.json")]
        return {record["name"]: record["pid"] for record in records}

    def send(self, name: str, number: int) -> int:
        """Send one of them a signal; its number."""
        pid = self.children()[name]
        os.kill(pid, number)
        return pid

    def restarts(self) -> list[str]:
        """What the supervisor has said of processes that ended, or hung, since it started."""
        return [line for line in self.log("up").splitlines() if "starts again in" in line or "has been silent" in line]

    def health(self, part: str) -> tuple[int, dict[str, Any]]:
        """The answer of one health address; 0 where nobody answers."""
        try:
            response = httpx.get(f"{self.url}/api/v1/health/{part}", timeout=HANGS_SECONDS)
        except httpx.TransportError:
            return 0, {}
        return response.status_code, response.json()

    def token(self) -> str:
        text = self.manage("token_create", "alice", "--scopes", ",".join(SCOPES))
        return next(word for word in text.split() if word.startswith("desk_"))

    def close(self) -> None:
        """Stop as Ctrl-C does, so that no process outlives the folder."""
        with contextlib.suppress(Exception):
            self.signal("up", signal.SIGINT)
            until(lambda: self.exit_code("up") is not None, 60, "the end of everything")
        super().close()


@dataclass
class Answer:
    """What came back for one order; status 0: nothing did."""

    key: str
    status: int
    code: str
    order: str
    sent_at: float
    seconds: float


@dataclass
class Trader:
    """Alice at the REST API: one order at a time, every other one to rest."""

    stack: Whole
    token: str
    account: int
    last: Decimal
    answers: list[Answer] = field(default_factory=list)

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=f"{self.stack.url}/api/v1", headers=headers, timeout=HANGS_SECONDS)

    def place(self, *, crossing: bool) -> Answer:
        """Place an order to buy; remembered, whatever comes back."""
        price = self.last * (Decimal("1.015") if crossing else Decimal("0.95"))
        key = f"outage-{uuid4().hex[:12]}"
        body = {
            "account": self.account, "symbol": SYMBOL, "side": "BUY", "quantity": 100, "price_type": "LIMIT",
            "price": f"{price:.2f}", "client_order_id": key,
        }  # fmt: skip
        began = time.monotonic()
        status, found = 0, {}
        # Refused at the socket, or cut in the middle: a process is being replaced. One that hangs raises.
        with contextlib.suppress(httpx.NetworkError, httpx.RemoteProtocolError), self.client() as client:
            response = client.post("/orders", json=body)
            status, found = response.status_code, response.json()
        answer = Answer(
            key, status, str(found.get("code", "")), str(found.get("id", "")), began, time.monotonic() - began
        )
        self.answers.append(answer)
        return answer

    def status(self, order: str) -> str:
        """The order's status; blank while nobody answers."""
        try:
            with self.client() as client:
                response = client.get(f"/orders/{order}")
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            return ""
        return str(response.json()["status"]) if response.status_code == 200 else ""

    @contextlib.contextmanager
    def trading(self) -> Iterator[None]:
        """Orders keep coming for the length of a block; what breaks the trader fails it."""
        stop = threading.Event()
        broken: list[BaseException] = []

        def trade() -> None:
            try:
                number = 0
                while not stop.wait(PAUSE_SECONDS):
                    self.place(crossing=number % 2 == 0)
                    number += 1
            except BaseException as error:  # noqa: BLE001 - raised again where the test waits
                broken.append(error)

        thread = threading.Thread(target=trade, name="trader")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
        if broken:
            raise broken[0]


class Listener:
    """A client of the live socket that comes back as a client does; `closed` counts how often it had to."""

    def __init__(self, stack: Whole, token: str, account: int) -> None:
        self._address = f"ws://127.0.0.1:{stack.port}/ws/v1"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._channel = f"account:{account}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self.closed = 0
        self.kinds: list[str] = []
        self._texts: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: "snapshot" in self.kinds, 60, "the socket's snapshot")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def heard_of(self, order: str) -> bool:
        """Whether a frame named the order."""
        return any(order in text for text in list(self._texts))

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            with contextlib.suppress(OSError, WebSocketException):
                self._listen()
            self.closed += not self._stop.is_set()

    def _listen(self) -> None:
        with connect(self._address, additional_headers=self._headers, max_size=None) as connection:
            connection.send(json.dumps({"op": "subscribe", "channel": self._channel}))
            while not self._stop.is_set():
                try:
                    text = str(connection.recv(timeout=0.5))
                except TimeoutError:
                    continue
                self.kinds.append(json.loads(text)["type"])
                self._texts.append(text)


@dataclass
class Floor:
    """Everything a proof needs at hand."""

    stack: Whole
    clerk: Clerk
    trader: Trader
    listener: Listener
    opening: str

    def whole_again(self) -> bool:
        """Whether an order passes from end to end and is heard of on the socket, and readiness says so too."""
        if self.stack.health("ready")[0] != 200:
            return False
        answer = self.trader.place(crossing=True)
        if answer.status != 201:
            return False
        # One that met the end of a session is EXPIRED or UNKNOWN: it is asked again with another one.
        wait_until = time.monotonic() + 10
        while time.monotonic() < wait_until:
            if self.trader.status(answer.order) == "FILLED" and self.listener.heard_of(answer.order):
                return True
            time.sleep(0.05)
        return False

    def settle(self) -> None:
        """Cancel what is open, then hold the books against the terminal's until they agree."""
        # The clerk's own connection may be one that ended with its server: it says so once, and opens another.
        with contextlib.suppress(AssertionError):
            self.clerk.ask("session")
        until(lambda: self.clerk.ask("session")["session_state"] == "READY", SETTLE_SECONDS, "the session")

        def nothing_open() -> bool:
            self.clerk.ask("cancel_open")
            return bool(self.clerk.ask("open_orders") == 0)

        until(nothing_open, SETTLE_SECONDS, "an end of every order")
        wrong: dict[str, list[str]] = {}

        def equal() -> bool:
            nonlocal wrong
            wrong = self.clerk.ask("hold_books", state=str(self.stack.terminal_state()), opening=self.opening)
            return not any(wrong.values())

        try:
            until(equal, SETTLE_SECONDS, "equal books")
        except AssertionError:
            raise AssertionError(f"the books differ: {wrong}") from None
        self.nothing_confirmed_is_missing()

    def nothing_confirmed_is_missing(self) -> None:
        """Every order that was confirmed is a row; every other one is a row at most once, under its key."""
        rows = self.clerk.ask("orders_by_key")
        for answer in self.trader.answers:
            if answer.status == 201:
                assert rows.get(answer.key) == 1, (
                    f"{answer.key} was confirmed and is there {rows.get(answer.key, 0)} times"
                )
            else:
                assert rows.get(answer.key, 0) <= 1, f"{answer.key} is there {rows[answer.key]} times"


@contextlib.contextmanager
def floor(settings: Mapping[str, str] | None = None, *, stack: Whole | None = None) -> Iterator[Floor]:
    """A running platform with a trader and a listener, and nothing left of it behind the block."""
    stack = stack or Whole(**(settings or {}))
    try:
        stack.begin()
        with clerk_of(stack) as clerk:
            clerk.until_session(seconds=START_SECONDS)
            clerk.ask("limits_disabled")
            account = int(clerk.ask("account_id"))
            trader = Trader(stack, stack.token(), account, Decimal(0))
            with trader.client() as client:
                (quote,) = client.get("/quotes", params={"symbols": SYMBOL}).json()["results"]
            trader.last = Decimal(str(quote["last"]))
            opening = str(clerk.ask("asset")["cash"])
            with Listener(stack, trader.token, account) as listener:
                yield Floor(stack, clerk, trader, listener, opening)
    finally:
        stack.close()
