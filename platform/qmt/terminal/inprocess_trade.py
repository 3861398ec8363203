"""Face B's trade session: `qmt.gateway.TradeGateway` directly over the terminal's trade desk."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from qmt import copies
from qmt.deadlines import CallTimeout, bounded
from qmt.errors import (
    QueryFailed,
    QueryTimeout,
    SessionClosed,
    SessionRefused,
    SubmitUncertain,
    SubscribeFailed,
    TerminalDown,
)
from qmt.gateway import (
    AccountRef,
    AssetUpdate,
    OrderRequest,
    OrderUpdate,
    PositionUpdate,
    TradeSink,
    TradeUpdate,
)
from qmt.hooks import Hooks
from qmt.newissues import IssueData, Quotas
from qmt.outgoing import check_account, check_order_id, order_arguments
from qmt.terminal.protocol import Frame
from qmt.terminal.tradedesk import TradeClient

if TYPE_CHECKING:
    from qmt.terminal.inprocess import InProcessTerminal

Delivery = Literal["thread", "inline"]
T = TypeVar("T")

CALL_SECONDS: Final = 0.3
_FIRST_SESSION_ID: Final = 9001

_session_ids = itertools.count(_FIRST_SESSION_ID)


class InProcessTrade:
    """A trade session; see `InProcessTerminal.trade_gateway`."""

    def __init__(self, host: InProcessTerminal, sink: TradeSink, deliver: Delivery) -> None:
        self._host = host
        self._sink = sink
        self._deliver = deliver
        self._client: TradeClient | None = None
        self._link_up = False
        self._hooks = Hooks(sink)
        self._accounts: tuple[AccountRef, ...] = ()
        self._refused: dict[AccountRef, str] = {}
        self._seq = itertools.count(1)
        self._answers: dict[int, Callable[[Any], None]] = {}
        self._mail: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._sick = ""
        self._opened_at_ns = 0

    @property
    def session_id(self) -> int:
        """The session id in use; 0 while closed."""
        return self._client.session_id if self._client else 0

    @property
    def opened_at_ns(self) -> int:
        """When the present session was opened; 0 while closed."""
        return self._opened_at_ns

    def open(self, accounts: Sequence[AccountRef]) -> None:
        """Connect and follow the accounts."""
        self.close()
        for account in accounts:
            check_account(account)
        if not self._host.is_up:
            raise TerminalDown("the terminal is not running")
        self._hooks = Hooks(self._sink)
        self._seq, self._answers, self._sick = itertools.count(1), {}, ""
        mail: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        hooks = self._hooks

        def send(frame: Frame) -> None:
            if self._deliver == "inline":
                self._receive(hooks, frame)
            else:
                mail.put(frame)

        client = self._host.terminal.trade_attach(next(_session_ids), send)
        if client is None:
            raise SessionRefused("the terminal refused the session")
        self._client, self._link_up, self._mail = client, True, mail
        if self._deliver == "thread":
            threading.Thread(target=self._pump, args=(hooks, mail), name="inprocess-native", daemon=True).start()
        self._refused = self._follow(accounts)
        if accounts and len(self._refused) == len(accounts):
            self.close()
            raise SubscribeFailed("; ".join(self._refused.values()))
        self._accounts = tuple(accounts)
        self._opened_at_ns = time.time_ns()

    @property
    def refused(self) -> Mapping[AccountRef, str]:
        """The accounts that the terminal does not let us follow, with its reason."""
        return dict(self._refused)

    def follow(self) -> None:
        """Ask once more for the accounts that the terminal refused."""
        if self._client is not None and self._refused:
            self._refused = self._follow(tuple(self._refused))

    def close(self) -> None:
        """End the session."""
        self._hooks.mute()
        client, self._client = self._client, None
        self._link_up, self._opened_at_ns, self._accounts = False, 0, ()
        self._mail.put(None)
        if client is not None:
            self._host.terminal.trade_detach(client)

    def cut(self, *, announce: bool) -> None:
        """The link is lost: the session stays open on our side and gets no answers any more."""
        if self._client is None or not self._link_up:
            return
        self._link_up = False
        self._host.terminal.trade_detach(self._client)
        if announce:
            hooks = self._hooks
            if self._deliver == "inline":
                hooks.on_disconnected()
            else:
                self._mail.put({"kind": "disconnected"})

    def submit(self, request: OrderRequest) -> int:
        """Send an order; returns the call's sequence number."""
        arguments = order_arguments(request)
        self._ready(request.account)
        correlator = self._hooks.correlator
        correlator.begin()
        try:
            seq = self._send(
                "orderStock",
                {
                    "account_id": arguments.account.account_no,
                    "account_type": arguments.account.account_type,
                    "stock_code": arguments.stock_code,
                    "order_type": arguments.order_type,
                    "order_volume": arguments.order_volume,
                    "price_type": arguments.price_type,
                    "price": arguments.price,
                    "strategy_name": arguments.strategy_name,
                    "order_remark": arguments.order_remark,
                },
            )
        except SubmitUncertain:
            self._hooks.release(correlator.failed())
            raise
        self._hooks.release(correlator.sent(seq, request.tag))
        return seq

    def cancel(self, account: AccountRef, order_id: int) -> int:
        """Ask for a cancel; returns the call's sequence number."""
        check_account(account)
        check_order_id(order_id)
        self._ready(account)
        return self._send(
            "cancelOrderStock", {**_named(account), "order_id": order_id, "order_sysid": "", "market": 0, "market1": ""}
        )

    def query_asset(self, account: AccountRef, *, timeout_seconds: float) -> AssetUpdate:
        """Money of the account."""
        found = self._query("queryStockAsset", account, {}, copies.asset_update, timeout_seconds)
        if not found:
            raise QueryFailed("queryStockAsset was answered with nothing")
        return found[0]

    def query_orders(self, account: AccountRef, *, timeout_seconds: float) -> tuple[OrderUpdate, ...]:
        """All orders of the trade date."""
        arguments = {"order_id": 0, "can_cancel": False}
        return self._query("queryStockOrders", account, arguments, copies.order_update, timeout_seconds)

    def query_trades(self, account: AccountRef, *, timeout_seconds: float) -> tuple[TradeUpdate, ...]:
        """All fills of the trade date."""
        return self._query("queryStockTrades", account, {}, copies.trade_update, timeout_seconds)

    def query_positions(self, account: AccountRef, *, timeout_seconds: float) -> tuple[PositionUpdate, ...]:
        """All holdings."""
        return self._query("queryStockPositions", account, {"stock_code": ""}, copies.position_update, timeout_seconds)

    def query_ipo_limits(self, account: AccountRef, *, timeout_seconds: float) -> Quotas:
        """Subscription quotas of the account."""
        return copies.quotas(self._query("queryNewPurchaseLimit", account, {}, lambda found: found, timeout_seconds))

    def query_ipo_data(self, *, timeout_seconds: float) -> tuple[IssueData, ...]:
        """New issues."""
        return self._ask("queryIPOData", {"ipo_type": ""}, copies.issue_data, timeout_seconds)

    def probe(self, *, timeout_seconds: float = 3.0) -> None:
        """One real round trip."""
        self._ask("queryAccountStatus", {}, lambda found: found, timeout_seconds)

    # --- internals -----------------------------------------------------------------------------------------------

    def _follow(self, accounts: Sequence[AccountRef]) -> dict[AccountRef, str]:
        """Subscribe to the accounts; those that the terminal refuses, with the reason."""
        results = {account: self._subscribe(account) for account in accounts}
        return {
            account: f"account {account.account_no}: the terminal answered {result}"
            for account, result in results.items()
            if result != 0
        }

    def _subscribe(self, account: AccountRef) -> int:
        answer: Future[int] = Future()
        seq = next(self._seq)
        self._answers[seq] = answer.set_result
        self._call("subscribe", seq, _named(account))
        try:
            return answer.result(CALL_SECONDS)
        except FutureTimeout as error:
            self.close()
            raise SubscribeFailed(f"account {account.account_no}: no answer to subscribe") from error

    def _ready(self, account: AccountRef) -> None:
        if self._client is None:
            raise SessionClosed("there is no open trade session")
        if self._sick:
            raise SessionClosed(f"the session is sick and must be opened again: {self._sick}")
        if account not in self._accounts or account in self._refused:
            raise SessionClosed(f"account {account.account_no} is not followed by this session")

    def _send(self, operation: str, arguments: Mapping[str, Any]) -> int:
        seq = next(self._seq)
        try:
            self._call(operation, seq, arguments)
        except CallTimeout as error:
            self._sick = str(error)
            raise SubmitUncertain(str(error)) from error
        return seq

    def _call(self, operation: str, seq: int, arguments: Mapping[str, Any]) -> None:
        """A native call. Its result is not looked at, as the SDK's Python layer does not look at it either."""
        client, terminal = self._client, self._host.terminal
        if client is None or not self._link_up:
            return
        gate = terminal.faults.hang_gate(operation)
        if gate is None:
            terminal.trade_call(client, operation, seq, arguments)
            return

        def late() -> None:
            gate.wait()
            terminal.trade_call(client, operation, seq, arguments)

        bounded(late, CALL_SECONDS, operation)

    def _query(
        self,
        operation: str,
        account: AccountRef,
        arguments: Mapping[str, Any],
        copy: Callable[[Any], T],
        timeout_seconds: float,
    ) -> tuple[T, ...]:
        check_account(account)
        try:
            self._ready(account)
        except SessionClosed as error:
            raise QueryFailed(str(error)) from error
        return self._ask(operation, {**_named(account), **arguments}, copy, timeout_seconds)

    def _ask(
        self, operation: str, arguments: Mapping[str, Any], copy: Callable[[Any], T], timeout_seconds: float
    ) -> tuple[T, ...]:
        if self._client is None:
            raise QueryFailed("there is no open trade session")
        answer: Future[tuple[T, ...]] = Future()

        def receive(found: list[dict[str, Any]]) -> None:
            try:
                answer.set_result(tuple(copy(SimpleNamespace(**one)) for one in found))
            except Exception as error:  # noqa: BLE001 - it goes to whoever waits
                answer.set_exception(QueryFailed(f"{operation}: {error}"))

        seq = next(self._seq)
        self._answers[seq] = receive
        try:
            self._call(operation, seq, arguments)
            return answer.result(timeout_seconds)
        except (CallTimeout, FutureTimeout) as error:
            raise QueryTimeout(f"{operation} was not answered within {timeout_seconds:g} s") from error
        finally:
            self._answers.pop(seq, None)

    def _pump(self, hooks: Hooks, mail: queue.SimpleQueue[Frame | None]) -> None:
        while (frame := mail.get()) is not None:
            self._receive(hooks, frame)

    def _receive(self, hooks: Hooks, frame: Frame) -> None:
        match frame["kind"]:
            case "response":
                self._respond(hooks, frame["op"], frame["seq"], frame["data"])
            case "push":
                _PUSHES[frame["push"]](hooks, SimpleNamespace(**frame["data"]))
            case "disconnected":
                hooks.on_disconnected()

    def _respond(self, hooks: Hooks, operation: str, seq: int, data: Any) -> None:
        if operation == "orderStock":
            hooks.on_order_stock_async_response(SimpleNamespace(seq=seq, **data))
        elif operation == "cancelOrderStock":
            hooks.on_cancel_order_stock_async_response(SimpleNamespace(seq=seq, **data))
        elif (receive := self._answers.pop(seq, None)) is not None:
            receive(data)


_PUSHES: Final[Mapping[str, Callable[[Hooks, Any], None]]] = {
    "order": Hooks.on_stock_order,
    "trade": Hooks.on_stock_trade,
    "asset": Hooks.on_stock_asset,
    "position": Hooks.on_stock_position,
    "order_error": Hooks.on_order_error,
    "cancel_error": Hooks.on_cancel_error,
    "account_status": Hooks.on_account_status,
}


def _named(account: AccountRef) -> dict[str, Any]:
    return {"account_id": account.account_no, "account_type": account.account_type}
