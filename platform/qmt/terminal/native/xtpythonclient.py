"""Stand-in for ``xtquant.xtpythonclient``: the strict structs and the trade client.

What the real module's name and signature strings show is enforced; what is delivered comes on a
"native" thread of the client's own, never on the calling thread.
"""

from __future__ import annotations

import itertools
import json
import logging
import queue
import threading
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from qmt.terminal.native.strict import CLIENT_MODULE, build, check_call, manifest, read_struct, structs, uncovered
from qmt.terminal.native.wire import Link, LinkRefused
from qmt.terminal.protocol import ANNOUNCEMENT, Frame, LinkClosed, ProtocolError

logger = logging.getLogger(__name__)

CONNECTED: Final = 0
FAILED: Final = -1

RESPONSES: Final[Mapping[str, tuple[str, str]]] = {
    "subscribe": ("bindOnSubscribeRespCallback", ""),
    "unsubscribe": ("bindOnUnsubscribeRespCallback", ""),
    "orderStock": ("bindOnOrderStockRespCallback", "OrderStockResp"),
    "cancelOrderStock": ("bindOnCancelOrderStockRespCallback", "CancelOrderStockResp"),
    "queryAccountInfos": ("bindOnQueryAccountInfosCallback", "XtAccountInfo"),
    "queryAccountStatus": ("bindOnQueryAccountStatusCallback", "XtAccountStatus"),
    "queryStockAsset": ("bindOnQueryStockAssetCallback", "XtAsset"),
    "queryStockOrders": ("bindOnQueryStockOrdersCallback", "XtOrder"),
    "queryStockTrades": ("bindOnQueryStockTradesCallback", "XtTrade"),
    "queryStockPositions": ("bindOnQueryStockPositionsCallback", "XtPosition"),
    "queryNewPurchaseLimit": ("bindOnQueryNewPurchaseLimitCallback", "NewPurchaseLimitInfo"),
    "queryIPOData": ("bindOnQueryIPODataCallback", "IPOData"),
    "bankTransfer": ("bindOnBankTransferRespCallback", "BankTransferResp"),
    "queryBankInfo": ("bindOnQueryBankInfoRespCallback", "BankInfo"),
    "queryBankTransferStream": ("bindOnQueryBankTransferStreamRespCallback", "BankTransferStream"),
}
"""Simulated operations: the callback their answer goes to, and the struct it is made of."""

PUSHES: Final[Mapping[str, tuple[str, str]]] = {
    "order": ("bindOnStockOrderCallback", "XtOrder"),
    "trade": ("bindOnStockTradeCallback", "XtTrade"),
    "asset": ("bindOnStockAssetCallback", "XtAsset"),
    "position": ("bindOnStockPositionCallback", "XtPosition"),
    "order_error": ("bindOnOrderErrorCallback", "XtOrderError"),
    "cancel_error": ("bindOnCancelErrorCallback", "XtCancelError"),
    "account_status": ("bindOnUpdateAccountStatusCallback", "XtAccountStatus"),
}
_DISCONNECTED: Final = "bindOnDisconnectedCallback"
_CONSTRUCTOR: Final = ("({%}, {str}, {str}, {int}) -> None",)


class XtQuantAsyncClient:
    """The trade client: one session of one terminal."""

    def __init__(self, *arguments: Any) -> None:
        check_call("XtQuantAsyncClient", _CONSTRUCTOR, arguments)
        path, _, session = arguments
        self._userdata = Path(path.decode("gb18030") if isinstance(path, bytes) else path)
        self._session = int(session)
        self._callbacks: dict[str, Callable[..., None]] = {}
        self._sequence = itertools.count(1)
        self._mail: queue.SimpleQueue[tuple[str, tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._link: Link | None = None
        self._spent = False

    def init(self) -> None:
        """Prepare the client."""

    def start(self) -> None:
        """Start the delivering thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver, name=f"native-trade-{self._session}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the link and the thread."""
        if self._link is not None:
            self._link.close()
            self._lock_file().unlink(missing_ok=True)
        self._mail.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2)

    def connect(self) -> int:
        """Attach to the terminal whose folder was given: 0, or −1. One-shot."""
        if self._thread is None or self._spent or self._lock_file().exists():
            return FAILED
        try:
            announcement = json.loads((self._userdata / ANNOUNCEMENT).read_text(encoding="utf-8"))
            address = (str(announcement["host"]), int(announcement["port"]))
            self._link = Link(address, {"role": "trade", "session": self._session}, self._receive, self._lost)
        except (OSError, ValueError, KeyError, LinkClosed, LinkRefused, ProtocolError) as error:
            logger.debug("session %s: %s", self._session, error)
            return FAILED
        self._spent = True
        self._lock_file().touch()  # a killed process leaves it behind, and the id is refused until it is removed
        return CONNECTED

    def nextSeq(self) -> int:  # noqa: N802 - the native module's name
        """A new sequence number."""
        return next(self._sequence)

    def setTimeout(self, *arguments: Any) -> None:  # noqa: N802 - the native module's name
        """Accepted and without effect: what the native timer does is not known."""
        check_call("setTimeout", (manifest("xtpythonclient")["client"]["setTimeout"],), arguments)

    def __getattr__(self, name: str) -> Any:
        signatures = manifest("xtpythonclient")["client"]
        if name.startswith("_") or name not in signatures:
            raise AttributeError(f"'{CLIENT_MODULE}.XtQuantAsyncClient' object has no attribute '{name}'")
        if name.startswith("bindOn"):
            return lambda callback: self._callbacks.__setitem__(name, callback)
        return lambda *arguments: self._call(name, signatures[name], arguments)

    def _call(self, name: str, signature: str, arguments: tuple[Any, ...]) -> int:
        operation = name.removesuffix("WithSeq")
        if operation not in RESPONSES:
            uncovered(f"XtQuantAsyncClient.{name}")
        check_call(name, (signature,), arguments)
        seq, request = arguments
        if self._link is None or not self._link.is_up:
            return FAILED
        try:
            return int(self._link.call(operation, seq=int(seq), request=read_struct(request)))
        except LinkClosed:
            return FAILED

    def _receive(self, frame: Frame) -> None:
        if frame["kind"] == "response":
            callback, struct = RESPONSES[frame["op"]]
            data = frame["data"]
            if struct and isinstance(data, list):
                data = [build(struct, one) for one in data]
            elif struct:
                data = build(struct, data)
            self._mail.put((callback, (frame["seq"], data)))
        elif frame["kind"] == "push":
            callback, struct = PUSHES[frame["push"]]
            self._mail.put((callback, (build(struct, frame["data"]),)))

    def _lost(self, announced: bool) -> None:  # noqa: FBT001 - a callback with one meaning
        self._lock_file().unlink(missing_ok=True)
        if announced:
            self._mail.put((_DISCONNECTED, ()))

    def _deliver(self) -> None:
        while (item := self._mail.get()) is not None:
            name, arguments = item
            callback = self._callbacks.get(name)
            if callback is None:
                continue  # nobody bound it: the native module drops it
            try:
                callback(*arguments)
            except Exception:
                logger.exception("a callback bound to %s raised", name)

    def _lock_file(self) -> Path:
        return self._userdata / f"lock_down_queue_win_{self._session}"


def module() -> types.ModuleType:
    """The module object to put in place of the native one."""
    made = types.ModuleType(CLIENT_MODULE)
    for name, struct in structs().items():
        setattr(made, name, struct)
    made.XtQuantAsyncClient = XtQuantAsyncClient  # type: ignore[attr-defined]
    return made
