"""Fixtures of the contract suite: a face, and sessions on it that record what they are told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeVar

import pytest

from qmt.gateway import (
    AccountRef,
    OrderRequest,
    OrderResponse,
    OrderUpdate,
    PriceType,
    Quote,
    QuoteGateway,
    Side,
    TradeEvent,
    TradeGateway,
)
from tests.contract.faces import Face, FaceA, FaceB, FaceFed, FaceReal, chosen_faces

E = TypeVar("E")

WAIT_SECONDS = 8.0
CANDIDATES = ("600000.SH", "601398.SH", "600036.SH", "000001.SZ", "000725.SZ", "601988.SH")


#: A fed terminal has no history and no static data: of those suites only what is live holds for it.
_LIVE_QUOTES = ("full_tick", "market_clock", "subscription", "single", "callback", "quotes_may", "unconnected")
_WITHOUT_FED = ("test_history", "test_reference", "test_subscriptions")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a fed terminal does not answer."""
    foreign = [item for item in items if _asks_fed_for_history(item)]
    if foreign:
        config.hook.pytest_deselected(items=foreign)
        items[:] = [item for item in items if item not in foreign]


def _asks_fed_for_history(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    if callspec is None or callspec.params.get("shared_face") != "fed":
        return False
    module = item.path.stem
    return module in _WITHOUT_FED and not any(f"test_{word}" in item.name for word in _LIVE_QUOTES)


def wait_until(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> bool:
    """Poll a condition; True as soon as it holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


class Desk:
    """A trade session on a fresh account with everything it was told, and the market around it."""

    def __init__(self, face: Face, quotes: QuoteGateway) -> None:
        self.face = face
        self.quotes = quotes
        self.events: list[TradeEvent] = []
        self.account: AccountRef = face.account()
        self.gateway: TradeGateway = face.trade(self.events.append)
        self.gateway.open([self.account])
        self._tags = 0

    def quote(self, symbol: str) -> Quote:
        """The present snapshot."""
        return self.quotes.full_tick([symbol])[symbol]

    def liquid(self) -> str:
        """A stock that trades today with sellers and buyers on the book."""
        ticks = self.quotes.full_tick(CANDIDATES)
        return next(symbol for symbol, tick in ticks.items() if tick.ask[0] and tick.bid[0] and tick.status == 13)

    def request(self, **changes: object) -> OrderRequest:
        """A buy of 100 shares at the third ask, unless changed."""
        self._tags += 1
        symbol = str(changes.pop("symbol", "") or self.liquid())
        price = changes.pop("price", None) or Decimal(str(self.quote(symbol).ask[2]))
        values: dict[str, object] = {
            "account_no": self.account.account_no,
            "account_type": self.account.account_type,
            "symbol": symbol,
            "side": Side.BUY,
            "quantity": 100,
            "price_type": PriceType.LIMIT,
            "price": price,
            "tag": f"t{time.time_ns() % 10**12}-{self._tags}",
        }
        return OrderRequest(**(values | changes))  # type: ignore[arg-type]

    def resting(self, **changes: object) -> OrderRequest:
        """A buy far enough below the market to rest."""
        symbol = self.liquid()
        price = Decimal(str(round(self.quote(symbol).last * 0.96, 2)))
        return self.request(symbol=symbol, price=price, **changes)

    def of(self, kind: type[E]) -> list[E]:
        """Events of one kind so far."""
        return [event for event in list(self.events) if isinstance(event, kind)]

    def states(self, tag: str) -> list[int]:
        """Statuses told of an order, in order."""
        return [update.status for update in self.of(OrderUpdate) if update.tag == tag]

    def response(self, tag: str) -> OrderResponse:
        """The answer to a submission; waits for it."""
        assert wait_until(lambda: any(event.tag == tag for event in self.of(OrderResponse))), self.events
        return next(event for event in self.of(OrderResponse) if event.tag == tag)

    def queried(self, tag: str) -> OrderUpdate | None:
        """The order as a query shows it."""
        orders = self.gateway.query_orders(self.account, timeout_seconds=5)
        return next((order for order in orders if order.tag == tag), None)


@pytest.fixture(scope="session", params=chosen_faces())
def shared_face(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    """One terminal per face: tests keep apart by their accounts and symbols."""
    makers: dict[str, Callable[[], FaceA | FaceB | FaceReal]] = {
        "fed": FaceFed,
        "A": lambda: FaceA(tmp_path_factory.mktemp("terminal")),
        "B": FaceB,
        "real": FaceReal,
    }
    made = makers[request.param]()
    yield made
    made.close()


@pytest.fixture
def face(shared_face: Face, request: pytest.FixtureRequest) -> Iterator[Face]:
    """A terminal without armed faults."""
    if shared_face.name == "real" and request.node.get_closest_marker("faults"):
        pytest.skip("a real terminal has no fault switches")
    shared_face.clear()
    yield shared_face
    shared_face.clear()


@pytest.fixture
def quotes(face: Face) -> Iterator[QuoteGateway]:
    """A connected quote session."""
    gateway = face.quotes()
    gateway.connect(face.address)
    yield gateway
    gateway.close()


@pytest.fixture
def desk(face: Face, quotes: QuoteGateway) -> Iterator[Desk]:
    """An open trade session on an account of its own."""
    made = Desk(face, quotes)
    yield made
    made.gateway.close()
