"""The SDK's callback object: copies what was pushed and hands it on, nothing else.

All hooks run on the SDK's one callback thread. An exception there vanishes without a trace and a blocking call stops
every later push, so each hook copies the fields into a frozen dataclass, calls the sink, and catches and logs
whatever goes wrong.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, ParamSpec

from qmt import copies
from qmt.correlation import Correlator
from qmt.gateway import Disconnected, OrderError, OrderResponse, TradeEvent, TradeSink

logger = logging.getLogger(__name__)

P = ParamSpec("P")


def _never_raises(hook: Callable[P, None]) -> Callable[P, None]:
    @functools.wraps(hook)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            hook(*args, **kwargs)
        except Exception:
            logger.exception("%s: a push was lost", hook.__name__)

    return guarded


class Hooks:
    """The callback object of one session. Duck-typed: the SDK calls its methods and never looks at its class."""

    def __init__(self, sink: TradeSink) -> None:
        self._sink: TradeSink | None = sink
        self.correlator: Correlator[OrderResponse | OrderError] = Correlator()

    def mute(self) -> None:
        """The session is over: nothing that comes late is told as if it were the next session's."""
        self._sink = None

    def tell(self, event: TradeEvent) -> None:
        """Pass an event on while the session lives."""
        if (sink := self._sink) is not None:
            sink(event)

    @_never_raises
    def release(self, held: Iterable[tuple[int, OrderResponse | OrderError]]) -> None:
        """Tell what was held back until its order was known."""
        for seq, event in held:
            self.tell(_tagged(event, self.correlator.tag(seq)))

    def _correlated(self, event: OrderResponse | OrderError) -> None:
        """Tell an answer to a submission, now if its order is known, else as soon as it is."""
        if not event.tag and (tag := self.correlator.tag(event.seq)):
            event = _tagged(event, tag)
        if event.tag or not self.correlator.hold(event.seq, event):
            self.tell(event)

    @_never_raises
    def on_order_stock_async_response(self, response: Any) -> None:
        """A submission was answered."""
        self._correlated(
            OrderResponse(
                seq=response.seq,
                tag=response.order_remark,
                order_id=copies.order_number(response.order_id),
                error=response.error_msg,
            )
        )

    @_never_raises
    def on_order_error(self, error: Any) -> None:
        """A submission failed, in words."""
        self._correlated(copies.order_error(error, ""))

    @_never_raises
    def on_cancel_order_stock_async_response(self, response: Any) -> None:
        """A cancel was answered."""
        self.tell(copies.cancel_response(response))

    @_never_raises
    def on_cancel_error(self, error: Any) -> None:
        """A cancel failed, in words."""
        self.tell(copies.cancel_error(error))

    @_never_raises
    def on_stock_order(self, order: Any) -> None:
        """An order changed."""
        self.tell(copies.order_update(order))

    @_never_raises
    def on_stock_trade(self, trade: Any) -> None:
        """A fill happened."""
        self.tell(copies.trade_update(trade))

    @_never_raises
    def on_stock_asset(self, asset: Any) -> None:
        """Money changed."""
        self.tell(copies.asset_update(asset))

    @_never_raises
    def on_stock_position(self, position: Any) -> None:
        """A holding changed."""
        self.tell(copies.position_update(position))

    @_never_raises
    def on_account_status(self, status: Any) -> None:
        """An account's login changed."""
        self.tell(copies.account_status(status))

    @_never_raises
    def on_disconnected(self) -> None:
        """The link is gone (the SDK does not always say so)."""
        self.tell(Disconnected(reason="the terminal closed the link"))

    def on_connected(self) -> None:
        """Defined by the SDK and never called by it."""

    # Services that are not used by this platform; the SDK looks the hooks up when their calls are made.
    def on_smt_appointment_async_response(self, response: Any) -> None:
        """Securities lending is not used."""

    def on_bank_transfer_async_response(self, response: Any) -> None:
        """Bank transfers are not used."""

    def on_ctp_internal_transfer_async_response(self, response: Any) -> None:
        """Futures transfers are not used."""

    def on_smart_algo_order_async_response(self, response: Any) -> None:
        """Broker-side algorithms are not used."""

    def on_operate_smart_task_async_response(self, response: Any) -> None:
        """Broker-side algorithms are not used."""


def _tagged(event: OrderResponse | OrderError, tag: str) -> OrderResponse | OrderError:
    return event if event.tag else replace(event, tag=tag)
