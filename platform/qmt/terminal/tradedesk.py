"""The terminal's trade side: sessions, their calls, and who is told what. Shared by the TCP server and the in-process face.

A session is one client with one id. Its calls are answered by frames, in the order and with the losses a real link
has: every frame passes the session's `Postman`, which is where responses are lost, delayed, doubled and swapped on
purpose.
"""

from __future__ import annotations

import datetime as dt
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from qmt.gateway import Side
from qmt.money import cents_of
from qmt.terminal import natives
from qmt.terminal.bank import BankWish, bank_info, stream_row
from qmt.terminal.checks import Reject
from qmt.terminal.exchange import Exchange
from qmt.terminal.faults import FaultAction, FaultPlan
from qmt.terminal.protocol import Frame
from qmt.terminal.types import (
    AssetEvent,
    ExchangeEvent,
    OrderEvent,
    OrderTicket,
    PositionEvent,
    TradeEvent,
)

Send = Callable[[Frame], None]
Arguments = Mapping[str, Any]

ACCEPTED: Final = 0
REFUSED: Final = -1
BUY: Final = 23
SELL: Final = 24
BANK_IN: Final = 501
_TROUBLE: Final = (FaultAction.LOSE, FaultAction.DELAY, FaultAction.DUPLICATE, FaultAction.REORDER)


class Postman:
    """Delivers frames to one client, after the faults armed for them."""

    def __init__(self, send: Send, faults: FaultPlan) -> None:
        self._send = send
        self._faults = faults
        self._held: list[Frame] = []
        self._lock = threading.Lock()

    def post(self, target: str, frame: Frame) -> None:
        """Send a frame, or do to it what the plan says."""
        fault = self._faults.take(target, *_TROUBLE)
        if fault is None:
            self._deliver(frame)
        elif fault.action is FaultAction.DUPLICATE:
            self._deliver(frame)
            self._deliver(frame)
        elif fault.action is FaultAction.DELAY:
            timer = threading.Timer(fault.seconds, self._deliver, (frame,))
            timer.daemon = True
            timer.start()
        elif fault.action is FaultAction.REORDER:
            with self._lock:
                self._held.append(frame)

    def _deliver(self, frame: Frame) -> None:
        """Send the frame, and behind it whatever was held back to be overtaken by it."""
        self._send(frame)
        with self._lock:
            held, self._held = self._held, []
        for late in held:
            self._send(late)


@dataclass(eq=False)
class TradeClient:
    """One connected trade session."""

    session_id: int
    postman: Postman
    gone: threading.Event = field(default_factory=threading.Event)
    accounts: set[str] = field(default_factory=set)

    def respond(self, operation: str, seq: int, data: object) -> None:
        """Answer a call."""
        self.postman.post(operation, {"kind": "response", "op": operation, "seq": seq, "data": data})

    def push(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tell the client something it did not ask for."""
        self.postman.post(f"push:{kind}", {"kind": "push", "push": kind, "data": data})


class TradeDesk:
    """All trade sessions of the terminal. Every method that touches the exchange is called with the terminal's lock held."""

    def __init__(self, exchange: Exchange, faults: FaultPlan) -> None:
        self.exchange = exchange
        self._faults = faults
        self._clients: dict[int, TradeClient] = {}
        self._statuses: dict[str, int] = {}
        self._operations: dict[str, Callable[[TradeClient, int, Arguments], None]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "orderStock": self._order,
            "cancelOrderStock": self._cancel,
            "queryAccountInfos": self._query_infos,
            "queryAccountStatus": self._query_statuses,
            "queryStockAsset": self._query_asset,
            "queryStockOrders": self._query_orders,
            "queryStockTrades": self._query_trades,
            "queryStockPositions": self._query_positions,
            "queryNewPurchaseLimit": self._query_quotas,
            "queryIPOData": self._query_issues,
            "bankTransfer": self._bank_transfer,
            "queryBankInfo": self._query_banks,
            "queryBankTransferStream": self._query_transfers,
        }

    @property
    def operations(self) -> frozenset[str]:
        """The native operations that are answered."""
        return frozenset(self._operations)

    @property
    def session_ids(self) -> list[int]:
        """Ids of the connected sessions."""
        return sorted(self._clients)

    def attach(self, session_id: int, send: Send) -> TradeClient | None:
        """Open a session; None when the id is taken or the terminal is told to refuse."""
        if session_id in self._clients or self._faults.take("connect", FaultAction.REFUSE_CONNECT) is not None:
            return None
        client = TradeClient(session_id, Postman(send, self._faults))
        self._clients[session_id] = client
        return client

    def detach(self, client: TradeClient) -> None:
        """Forget a session; harmless when it is forgotten already."""
        client.gone.set()
        if self._clients.get(client.session_id) is client:
            del self._clients[client.session_id]

    def call(self, client: TradeClient, operation: str, seq: int, arguments: Arguments) -> int:
        """Carry out a native call of a session; the answer is posted, the result says only whether the call was taken."""
        handler = self._operations.get(operation)
        if handler is None or client.gone.is_set():
            return REFUSED
        handler(client, seq, arguments)
        return ACCEPTED

    def publish(self, events: Iterable[ExchangeEvent]) -> None:
        """Push the exchange's account events to the sessions that follow the account."""
        for event in events:
            match event:
                case OrderEvent(order=order):
                    self._push(order.account_id, "order", natives.order(order))
                case TradeEvent(trade=trade):
                    self._push(trade.account_id, "trade", natives.trade(trade))
                case AssetEvent(asset=asset):
                    self._push(asset.account_id, "asset", natives.asset(asset))
                case PositionEvent(position=position):
                    self._push(position.account_id, "position", natives.position(position))
                case _:  # market-wide events belong to the quote side
                    pass

    def set_account_status(self, account_id: str, status: int) -> None:
        """Change an account's login status and say so (0 OK, 3 failed, …)."""
        self._statuses[account_id] = status
        self._push(
            account_id,
            "account_status",
            {"account_id": account_id, "account_type": self._type_of(account_id), "status": status},
        )

    # --- operations -------------------------------------------------------------------------------

    def _subscribe(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        known = self._knows(arguments)
        if known:
            client.accounts.add(arguments["account_id"])
        client.respond("subscribe", seq, ACCEPTED if known else REFUSED)

    def _unsubscribe(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        client.accounts.discard(arguments["account_id"])
        client.respond("unsubscribe", seq, ACCEPTED)

    def _order(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        account = {"account_id": arguments["account_id"], "account_type": arguments["account_type"]}
        words = {
            "strategy_name": arguments["strategy_name"],
            "order_remark": arguments["order_remark"],
        }
        order_id, error_id, message = self.place(arguments)
        outcome = {"order_id": order_id, "error_id": error_id, "error_msg": message}
        # The answer to a refused order repeats none of its words: only the seq says whose it is.
        told = words if order_id > 0 else dict.fromkeys(words, "")
        client.respond("orderStock", seq, {**account, **told, **outcome})
        if order_id <= 0 and message:
            client.push("order_error", {**account, **words, **outcome, "seq": seq})

    def place(self, arguments: Arguments) -> tuple[int, int, str]:
        """Hand an order to the counter: its id (−1 refused), the error's number and words."""
        if self._faults.take("orderStock", FaultAction.REFUSE_SILENTLY) is not None:
            return REFUSED, 0, ""
        if (fault := self._faults.take("orderStock", FaultAction.REJECT)) is not None:
            return REFUSED, -61, fault.message or "柜台拒绝"
        if not self._knows(arguments):
            return REFUSED, -1, f"资金账号未登录: {arguments['account_id']}"
        if arguments["order_type"] not in (BUY, SELL):
            return REFUSED, -1, f"委托类型不支持: {arguments['order_type']}"
        if not math.isfinite(arguments["price"]):
            return REFUSED, -1, "委托价格非法"
        result = self.exchange.submit(
            OrderTicket(
                account_id=arguments["account_id"],
                symbol=arguments["stock_code"],
                side=Side.BUY if arguments["order_type"] == BUY else Side.SELL,
                quantity=arguments["order_volume"],
                price_type=arguments["price_type"],
                price=Decimal(repr(arguments["price"])),
                strategy_name=arguments["strategy_name"],
                remark=arguments["order_remark"],
            )
        )
        return result.order_id, result.error_id, result.message

    def _cancel(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        account = {"account_id": arguments["account_id"], "account_type": arguments["account_type"]}
        result = self.exchange.cancel(
            arguments["account_id"],
            order_id=max(arguments["order_id"], 0),
            order_sysid=arguments["order_sysid"],
            market=arguments["market1"] or natives.MARKET_NAMES.get(arguments["market"], ""),
        )
        words = {
            "order_id": result.order_id or arguments["order_id"],
            "error_id": result.error_id,
            "error_msg": result.message,
        }
        # An answer to a cancel by order id carries no exchange number: the SDK files the matching error under it
        # otherwise.
        sysid = arguments["order_sysid"]
        client.respond(
            "cancelOrderStock",
            seq,
            {
                **account,
                **words,
                "order_sysid": sysid,
                "cancel_result": ACCEPTED if result.ok else REFUSED,
            },
        )
        if not result.ok:
            client.push(
                "cancel_error",
                {
                    **account,
                    **words,
                    "order_sysid": result.order_sysid or sysid,
                    "market": arguments["market"],
                },
            )

    def _query_infos(self, client: TradeClient, seq: int, _: Arguments) -> None:
        infos = [
            {
                "account_id": view.account_id,
                "account_type": view.account_type,
                "login_status": self._statuses.get(view.account_id, view.status),
            }
            for view in self.exchange.accounts()
        ]
        client.respond("queryAccountInfos", seq, infos)

    def _query_statuses(self, client: TradeClient, seq: int, _: Arguments) -> None:
        statuses = [
            {
                "account_id": view.account_id,
                "account_type": view.account_type,
                "status": self._statuses.get(view.account_id, view.status),
            }
            for view in self.exchange.accounts()
        ]
        client.respond("queryAccountStatus", seq, statuses)

    def _query_asset(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        found = [natives.asset(self.exchange.asset(arguments["account_id"]))] if self._knows(arguments) else []
        client.respond("queryStockAsset", seq, found)

    def _query_orders(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        views = (
            self.exchange.orders(arguments["account_id"], cancelable_only=arguments["can_cancel"])
            if self._knows(arguments)
            else []
        )
        wanted = arguments["order_id"]
        client.respond(
            "queryStockOrders",
            seq,
            [natives.order(view) for view in views if not wanted or view.order_id == wanted],
        )

    def _query_trades(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        views = self.exchange.trades(arguments["account_id"]) if self._knows(arguments) else []
        client.respond("queryStockTrades", seq, [natives.trade(view) for view in views])

    def _query_positions(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        views = self.exchange.positions(arguments["account_id"]) if self._knows(arguments) else []
        wanted = arguments["stock_code"]
        client.respond(
            "queryStockPositions",
            seq,
            [natives.position(view) for view in views if not wanted or view.symbol == wanted],
        )

    def _query_quotas(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        quotas = self.exchange.subscription_quotas(arguments["account_id"]) if self._knows(arguments) else {}
        limits = [{"new_purchase_limit_key": key, "new_purchase_limit_value": value} for key, value in quotas.items()]
        client.respond("queryNewPurchaseLimit", seq, limits)

    def _query_issues(self, client: TradeClient, seq: int, _: Arguments) -> None:
        client.respond("queryIPOData", seq, [issue.native() for issue in self.exchange.issues()])

    def _bank_transfer(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        told = self._transferred(arguments)
        answer = {"account_id": arguments["account_id"], "success": not told, "error_msg": told}
        client.respond("bankTransfer", seq, answer)

    def _transferred(self, arguments: Arguments) -> str:
        """Hand a transfer to the counter: blank when done, else its words. Passwords are not looked at."""
        if (fault := self._faults.take("bankTransfer", FaultAction.REJECT)) is not None:
            return fault.message or "柜台拒绝"
        if not self._knows(arguments):
            return f"资金账号未登录: {arguments['account_id']}"
        try:
            amount_cents = cents_of(Decimal(repr(arguments["balance"])))
        except ValueError:
            return Reject.AMOUNT.words()
        return self.exchange.bank_transfer(
            BankWish(
                account_id=arguments["account_id"],
                incoming=arguments["direction"] == BANK_IN,
                amount_cents=amount_cents,
                bank_no=arguments["bank_no"],
                bank_account=arguments["bank_account"],
            )
        )

    def _query_banks(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        found = [bank_info(arguments["account_id"])] if self._knows(arguments) else []
        client.respond("queryBankInfo", seq, found)

    def _query_transfers(self, client: TradeClient, seq: int, arguments: Arguments) -> None:
        try:
            days = [dt.date.fromisoformat(arguments[name]) for name in ("start_date", "end_date")]
        except ValueError:
            days = []
        rows = self.exchange.bank_transfers(arguments["account_id"], *days) if days and self._knows(arguments) else []
        wanted = arguments["bank_account"]
        client.respond(
            "queryBankTransferStream",
            seq,
            [stream_row(row) for row in rows if not wanted or row.bank_account == wanted],
        )

    # --- helpers ----------------------------------------------------------------------------------

    def _knows(self, arguments: Arguments) -> bool:
        return any(
            view.account_id == arguments["account_id"] and view.account_type == arguments["account_type"]
            for view in self.exchange.accounts()
        )

    def _type_of(self, account_id: str) -> int:
        return next(
            (view.account_type for view in self.exchange.accounts() if view.account_id == account_id),
            0,
        )

    def _push(self, account_id: str, kind: str, data: Mapping[str, Any]) -> None:
        for client in list(self._clients.values()):
            if account_id in client.accounts:
                client.push(kind, data)
