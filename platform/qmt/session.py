"""A trade session over the SDK's XtQuantTrader.

The SDK's own session is one-shot, never reconnects, waits without timeouts and reports a lost link only sometimes. So
a session here is rebuilt rather than repaired: each `TradeSession.open` makes a new trader with the next id of the
pool; every call that could hang has a disposable thread and a deadline; health is a real query; and once a call has
hung, the session refuses new work until it is opened again.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from qmt import copies
from qmt.capabilities import Capabilities, capabilities
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
from qmt.sessionpool import SessionLease, SessionPool

if TYPE_CHECKING:
    from qmt.sdk import Sdk

logger = logging.getLogger(__name__)

T = TypeVar("T")

CONNECT_SECONDS: Final = 10.0
CALL_SECONDS: Final = 3.0
STOP_SECONDS: Final = 3.0
OPEN_SECONDS: Final = 30.0


class _Link:
    """One trader object and everything that dies with it."""

    def __init__(self, trader: Any, lease: SessionLease, hooks: Hooks) -> None:
        self.trader = trader
        self.lease = lease
        self.hooks = hooks
        self.opened_at_ns = 0
        self.sick = ""


class TradeSession:
    """Implements `qmt.gateway.TradeGateway` over the SDK.

    Parameters
    ----------
    sink : callable
        Gets every event, on the SDK's callback thread; it must only enqueue.
    """

    def __init__(self, sdk: Sdk, *, userdata: Path, pool: SessionPool, sink: TradeSink) -> None:
        self._sdk = sdk
        self._userdata = userdata
        self._pool = pool
        self._sink = sink
        self._lifecycle = threading.Lock()
        self._link: _Link | None = None
        self._accounts: dict[AccountRef, Any] = {}
        self._refused: dict[AccountRef, str] = {}

    @property
    def capabilities(self) -> Capabilities:
        """What this backend can do."""
        return capabilities(self._sdk.native)

    @property
    def session_id(self) -> int:
        """The session id in use; 0 while closed."""
        link = self._link
        return link.lease.session_id if link else 0

    @property
    def opened_at_ns(self) -> int:
        """When the present session was opened; 0 while closed."""
        link = self._link
        return link.opened_at_ns if link else 0

    @property
    def refused(self) -> Mapping[AccountRef, str]:
        """The accounts that the terminal does not let us follow, with its reason."""
        return dict(self._refused)

    # --- life -------------------------------------------------------------------------------------

    def open(self, accounts: Sequence[AccountRef]) -> None:
        """Connect with the next free id and follow the accounts; an open session is closed first."""
        for account in accounts:
            check_account(account)
        with self._lifecycle:
            self._close()
            if not self._userdata.is_dir():
                raise TerminalDown(f"there is no terminal in {self._userdata}: the folder does not exist")
            self._accounts = {account: self._stock_account(account) for account in accounts}
            link = self._connect()
            try:
                self._refused = self._follow(link, self._accounts)
                if self._accounts and len(self._refused) == len(self._accounts):
                    raise SubscribeFailed("; ".join(self._refused.values()))
            except BaseException:
                self._discard(link)
                raise
            link.opened_at_ns = time.time_ns()
            self._link = link

    def follow(self) -> None:
        """Ask once more for the accounts that the terminal refused."""
        with self._lifecycle:
            if self._link is not None and self._refused:
                self._refused = self._follow(self._link, self._refused)

    def close(self) -> None:
        """End the session; never raises."""
        with self._lifecycle:
            self._close()

    def _close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self._discard(link)

    def _connect(self) -> _Link:
        refused: list[int] = []
        end = time.monotonic() + OPEN_SECONDS
        for lease in self._pool.leases():
            self._clean_queue_files(lease.session_id)
            link = self._start(lease)
            try:
                result = bounded(link.trader.connect, CONNECT_SECONDS, "connect")
            except Exception as error:  # noqa: BLE001 - other backends raise instead of returning a number
                logger.warning("session %s: connect failed: %s", lease.session_id, error)
                result = -1
            if result == 0:
                return link
            refused.append(lease.session_id)
            self._discard(link)
            if time.monotonic() > end:
                break
        if not refused:
            raise SessionRefused(
                f"every session id of the pool is in use by another process: {list(self._pool.session_ids)}"
            )
        raise SessionRefused(
            f"the terminal in {self._userdata} refused the sessions {refused}: it is not running, or these ids are in use"
        )

    def _start(self, lease: SessionLease) -> _Link:
        def build() -> _Link:
            # In a thread of its own, because the constructor replaces the calling thread's event loop.
            hooks = self._hooks()
            trader = self._sdk.xttrader.XtQuantTrader(str(self._userdata), lease.session_id, hooks)
            trader.set_relaxed_response_order_enabled(True)
            trader.start()
            return _Link(trader, lease, hooks)

        try:
            return bounded(build, CALL_SECONDS, "start")
        except BaseException as error:
            lease.release()
            raise TerminalDown(f"the SDK cannot start a session on {self._userdata}: {error}") from error

    def _hooks(self) -> Hooks:
        return Hooks(self._sink)

    def _follow(self, link: _Link, accounts: Iterable[AccountRef]) -> dict[AccountRef, str]:
        """Subscribe to the accounts; those that the terminal refuses, with the reason."""
        refused = {}
        for account in accounts:
            stock_account = self._accounts[account]
            try:
                result = bounded(functools.partial(link.trader.subscribe, stock_account), CONNECT_SECONDS, "subscribe")
            except CallTimeout as error:
                raise SubscribeFailed(f"account {account.account_no}: no answer to subscribe") from error
            if result != 0:
                refused[account] = (
                    f"account {account.account_no}: the terminal answered {result}; is the account logged in?"
                )
        return refused

    def _discard(self, link: _Link) -> None:
        link.hooks.mute()

        def stop() -> None:
            link.trader.stop()
            link.trader.loop.close()  # never run, but it holds file descriptors

        with contextlib.suppress(Exception):
            bounded(stop, STOP_SECONDS, "stop")
        link.lease.release()

    def _clean_queue_files(self, session_id: int) -> None:
        """Remove what a killed process left under this id, which is ours now: stale locks make the terminal refuse it."""
        if not self.capabilities.leaves_queue_files:
            return
        for name in (f"lock_down_queue_win_{session_id}", f"down_queue_win_{session_id}"):
            try:
                (self._userdata / name).unlink(missing_ok=True)
            except (
                OSError
            ) as error:  # on Windows: still in use, so the terminal will refuse the id and the next is tried
                logger.info("session %s: %s stays: %s", session_id, name, error)

    def _stock_account(self, account: AccountRef) -> Any:
        kinds: dict[int, str] = self._sdk.xtconstant.ACCOUNT_TYPE_DICT
        if account.account_type not in kinds:
            raise SubscribeFailed(f"account {account.account_no}: the SDK knows no account type {account.account_type}")
        return self._sdk.xttype.StockAccount(account.account_no, kinds[account.account_type])

    # --- orders -----------------------------------------------------------------------------------

    def submit(self, request: OrderRequest) -> int:
        """Send an order; returns the call's sequence number."""
        arguments = order_arguments(request)
        link, account = self._ready(request.account)
        correlator = link.hooks.correlator

        def call() -> int:
            seq: int = link.trader.order_stock_async(
                account,
                arguments.stock_code,
                arguments.order_type,
                arguments.order_volume,
                arguments.price_type,
                arguments.price,
                arguments.strategy_name,
                arguments.order_remark,
            )
            return seq

        correlator.begin()
        try:
            seq = self._bounded_send(link, call, "order_stock_async")
        except SubmitUncertain:
            link.hooks.release(correlator.failed())
            raise
        link.hooks.release(correlator.sent(seq, request.tag))
        return seq

    def cancel(self, account: AccountRef, order_id: int) -> int:
        """Ask for a cancel; returns the call's sequence number."""
        check_account(account)
        check_order_id(order_id)
        link, stock_account = self._ready(account)
        return self._bounded_send(
            link, lambda: link.trader.cancel_order_stock_async(stock_account, order_id), "cancel_order_stock_async"
        )

    def _bounded_send(self, link: _Link, call: Callable[[], int], name: str) -> int:
        try:
            seq = bounded(call, CALL_SECONDS, name)
        except CallTimeout as error:
            link.sick = str(error)
            raise SubmitUncertain(str(error)) from error
        except Exception as error:
            raise SubmitUncertain(f"{name} raised {type(error).__name__}: {error}") from error
        if seq <= 0:
            raise SubmitUncertain(f"{name} returned {seq}")
        return seq

    def _ready(self, account: AccountRef) -> tuple[_Link, Any]:
        link = self._link
        if link is None:
            raise SessionClosed("there is no open trade session")
        if link.sick:
            raise SessionClosed(f"session {link.lease.session_id} is sick and must be opened again: {link.sick}")
        if account not in self._accounts or account in self._refused:
            raise SessionClosed(f"account {account.account_no} is not followed by this session")
        return link, self._accounts[account]

    # --- queries ----------------------------------------------------------------------------------

    def query_asset(self, account: AccountRef, *, timeout_seconds: float) -> AssetUpdate:
        """Money of the account."""
        return self._query("query_stock_asset_async", account, copies.asset_update, timeout_seconds)

    def query_orders(self, account: AccountRef, *, timeout_seconds: float) -> tuple[OrderUpdate, ...]:
        """All orders of the trade date."""
        return self._query("query_stock_orders_async", account, _each(copies.order_update), timeout_seconds)

    def query_trades(self, account: AccountRef, *, timeout_seconds: float) -> tuple[TradeUpdate, ...]:
        """All fills of the trade date."""
        return self._query("query_stock_trades_async", account, _each(copies.trade_update), timeout_seconds)

    def query_positions(self, account: AccountRef, *, timeout_seconds: float) -> tuple[PositionUpdate, ...]:
        """All holdings."""
        return self._query("query_stock_positions_async", account, _each(copies.position_update), timeout_seconds)

    def query_ipo_limits(self, account: AccountRef, *, timeout_seconds: float) -> Quotas:
        """Subscription quotas of the account."""
        return self._query("query_new_purchase_limit_async", account, copies.quotas, timeout_seconds)

    def query_ipo_data(self, *, timeout_seconds: float) -> tuple[IssueData, ...]:
        """New issues."""
        link = self._link
        if link is None:
            raise QueryFailed("there is no open trade session")
        return self._ask(link, "query_ipo_data_async", (), _each(copies.issue_data), timeout_seconds)

    def probe(self, *, timeout_seconds: float = 3.0) -> None:
        """One real round trip."""
        link = self._link
        if link is None:
            raise QueryFailed("there is no open trade session")
        self._ask(link, "query_account_status_async", (), lambda found: found, timeout_seconds)

    def _query(self, name: str, account: AccountRef, copy: Callable[[Any], T], timeout_seconds: float) -> T:
        check_account(account)
        try:
            link, stock_account = self._ready(account)
        except SessionClosed as error:
            raise QueryFailed(str(error)) from error
        return self._ask(link, name, (stock_account,), copy, timeout_seconds)

    def _ask(
        self, link: _Link, name: str, arguments: tuple[Any, ...], copy: Callable[[Any], T], timeout_seconds: float
    ) -> T:
        """Use a query's asynchronous twin with a future of our own. The native structs are copied on the SDK's thread."""
        if link.sick:
            raise QueryFailed(f"session {link.lease.session_id} is sick: {link.sick}")
        answer: Future[T] = Future()

        def receive(found: Any) -> None:
            try:
                if found is None:
                    raise QueryFailed(f"{name} was answered with nothing")
                answer.set_result(copy(found))
            except QueryFailed as error:
                answer.set_exception(error)
            except Exception as error:  # noqa: BLE001 - it goes to whoever waits
                failure = QueryFailed(f"{name}: {error}")
                failure.__cause__ = error
                answer.set_exception(failure)

        end = time.monotonic() + timeout_seconds
        try:
            bounded(lambda: getattr(link.trader, name)(*arguments, receive), min(timeout_seconds, CALL_SECONDS), name)
        except CallTimeout as error:
            link.sick = str(error)
            raise QueryTimeout(str(error)) from error
        except Exception as error:
            raise QueryFailed(f"{name} raised {type(error).__name__}: {error}") from error
        try:
            return answer.result(max(0.0, end - time.monotonic()))
        except FutureTimeout as error:
            raise QueryTimeout(f"{name} was not answered within {timeout_seconds:g} s") from error


def _each(copy: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    return lambda found: tuple(copy(one) for one in found)
