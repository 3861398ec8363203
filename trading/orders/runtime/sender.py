"""From a queued row to one SDK call: claim, last look, call, note.

The claim (one committed UPDATE) decides that this process may send; the last look decides that it
still may, now: the lease has time left, the claim is fresh, the session is the same ready one, the
account's authority is unchanged. What fails here has provably not left the process and ends
EXPIRED with the reason. From the SDK call on, only evidence decides.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Protocol
from uuid import UUID

from accounts.choices import TradingState
from accounts.models import BrokerAccount
from ops.clocks import MarketClock, wall_now
from ops.errors import Code
from ops.logfacts import log_facts
from qmt.calendar import accepts_cancels
from qmt.errors import NotSent, QmtError, RequestInvalid
from qmt.gateway import AccountRef, OrderRequest, PriceType, Side
from trading.orders import claims, lifecycle
from trading.orders.choices import Source
from trading.orders.intake import CallReturned
from trading.orders.models import Order
from trading.orders.runtime import crashpoints, metrics
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.lanes import Lanes
from trading.orders.runtime.session import NotReady, OpenSession, TradeSession
from trading.risk.venues import venue_refusal

logger = logging.getLogger(__name__)

#: Few enough that a crash between claim and call leaves few orders to be resolved by evidence.
CLAIMED_TOGETHER = 8


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An order on its lane; `seen` is its row where that was just read."""

    order_id: UUID
    account_id: int
    seen: Order | None


class LeaseClock(Protocol):
    """What the last look asks about the lease."""

    def seconds_left(self) -> float: ...


class Clock(Protocol):
    """The host's market clock, None while unknown."""

    def __call__(self) -> MarketClock | None: ...


class Sender:
    """Sends orders and cancels of one host, each account on lanes of its own."""

    def __init__(
        self,
        *,
        host_name: str,
        session: TradeSession,
        lease: LeaseClock,
        lanes: Lanes,
        clock: Clock,
        note: Callable[[str, CallReturned], None],
        blocked: Callable[[int], str],
        simulated: bool,
        config: RuntimeConfig,
    ) -> None:
        self._host_name = host_name
        self._session = session
        self._lease = lease
        self._lanes = lanes
        self._clock = clock
        self._note = note
        self._blocked = blocked
        # Of the terminal behind this process, not of the host's row, which may change.
        self._simulated = simulated
        self._config = config
        self._called: dict[str, float] = {}

    # --- entry points: none of them waits for a terminal ------------------------------------

    def wake(self, order_id: UUID) -> Future[str] | None:
        """Queue what the row of `order_id` asks for: its wanted cancel, or itself. None for no row of this host."""
        order = Order.objects.select_related("created_by").filter(pk=order_id, host_name=self._host_name).first()
        if order is None:
            return None
        if order.cancel_requested_at is not None and order.cancel_sent_at is None:
            return self.cancel(order_id, order.account_id)
        return self.send(order_id, order.account_id, seen=order)

    def send(self, order_id: UUID, account_id: int, seen: Order | None = None) -> Future[str]:
        """Queue one order on its account's lane; `seen` is its row where that was just read."""
        lane = self._lanes.get("send", account_id)
        wanted = _Wanted(order_id, account_id, seen)
        return lane.submit_together(order_id, wanted, self._claim, most=CLAIMED_TOGETHER)

    def cancel(self, order_id: UUID, account_id: int) -> Future[str]:
        """Queue one wanted cancel on its account's lane for cancels."""
        return self._lanes.get("cancel", account_id).submit(order_id, partial(self._cancel, order_id, account_id))

    def answered(self, tag: str) -> None:
        """The response to the call with this tag is here (called on an SDK thread)."""
        called = self._called.pop(tag, None)
        if called is not None:
            metrics.CALL_TO_RESPONSE.observe(time.monotonic() - called)

    # --- orders -----------------------------------------------------------------------------

    def _claim(self, wanted: Sequence[_Wanted]) -> list[Callable[[], str]]:
        """Claim what has gathered on one account's lane; each claimed order then has its own last look and call.

        One transaction for all of them: under load a commit costs more than an order, and waits for the events'.
        """
        account_id = wanted[0].account_id
        session = self._session.ready()
        # Not ready: the rows stay queued, and the poll comes back to them until they expire.
        if session is None or self._blocked(account_id):
            return [_not_ready] * len(wanted)
        if self._lease.seconds_left() < self._config.lease_margin_seconds:
            return [_not_ready] * len(wanted)
        crashpoints.reach(crashpoints.BEFORE_CLAIM)
        rows = {one.order_id: one.seen for one in wanted}
        claimed = claims.claim_all(rows, account_id=account_id, host_name=self._host_name)
        if claimed.orders:
            crashpoints.reach(crashpoints.AFTER_CLAIM)
        found = (claimed.orders.get(order_id) for order_id in rows)
        return [
            _nothing_to_send if order is None else partial(self._send, order, claimed.since, session) for order in found
        ]

    def _send(self, order: Order, claimed_since: float, session: OpenSession) -> str:
        with log_facts(order_id=str(order.pk), account_id=order.account_id):
            doubt = self._last_look(order, claimed_since)
            if doubt is not None:
                return self._withhold(order, *doubt)
            return self._call(order, session)

    def _last_look(self, order: Order, claimed_since: float) -> tuple[Code, str] | None:
        """Why the claimed order must not be sent after all; None when it may."""
        left = self._lease.seconds_left()
        if left < self._config.lease_margin_seconds:
            return Code.LEASE_LOST, f"lease_seconds_left={left:.1f}"
        blocked = self._blocked(order.account_id)
        if blocked:
            return Code.TERMINAL_DOWN, f"account={order.account_id} {blocked}"
        account = BrokerAccount.objects.get(pk=order.account_id)
        if account.epoch != order.epoch:
            return (
                Code.AUTHORITY_CHANGED,
                f"order_epoch={order.epoch} account_epoch={account.epoch}",
            )
        # A kill switch's own sales carry the epoch of the halt that they belong to.
        if account.state == TradingState.HALTED and order.source != Source.FLATTEN:
            return Code.ACCOUNT_HALTED, ""
        # A change of host raises the epoch, so the host the claim was read with is the present one.
        host = order.account.host
        refusal = venue_refusal(account, host, simulated=self._simulated, live_allowed=self._config.live_allowed)
        if refusal is not None:
            return refusal.code, refusal.message
        if order.simulated != self._simulated or host.name != self._host_name:
            return Code.AUTHORITY_CHANGED, f"host={host.name} accepted_for={order.host_name}"
        age = time.monotonic() - claimed_since
        if age > self._config.claim_max_age_seconds:
            return Code.DEADLINE_PASSED, f"claim_age_seconds={age:.1f}"
        return None

    def _call(self, order: Order, session: OpenSession) -> str:
        try:
            request = _request(order)
            with self._session.sending(session) as gateway:
                crashpoints.reach(crashpoints.BEFORE_SUBMIT)
                sent_at, called = wall_now(), time.monotonic()
                self._called[request.tag] = called
                seq = gateway.submit(request)
        except RequestInvalid as error:
            lifecycle.mark_rejected(order.pk, message=str(error))
            metrics.ORDERS_NOT_SENT.labels(reason="request").inc()
            return "refused before the call"
        except NotReady as error:
            return self._withhold(order, Code.TERMINAL_DOWN, str(error))
        except NotSent as error:
            # The gateway is closed although its session was ready: it is not, then.
            self._session.rebuild(str(error))
            return self._withhold(order, Code.TERMINAL_DOWN, str(error))
        except Exception as error:  # noqa: BLE001 -- the call was begun: whatever it raises, the order may be out
            return self._lose_sight(order, error)
        crashpoints.reach(crashpoints.AFTER_SUBMIT)
        metrics.CALL_TO_RETURN.observe(time.monotonic() - called)
        metrics.ACCEPTED_TO_CALL.observe(max(0.0, (sent_at - order.submitted_at).total_seconds()))
        if order.claimed_at is not None:
            metrics.ACCEPTED_TO_CLAIMED.observe(max(0.0, (order.claimed_at - order.submitted_at).total_seconds()))
            metrics.CLAIMED_TO_CALL.observe(max(0.0, (sent_at - order.claimed_at).total_seconds()))
        self._note(session.key, CallReturned(request.tag, seq, sent_at))
        return "sent"

    def _withhold(self, order: Order, code: Code, message: str) -> str:
        lifecycle.mark_withheld(order.pk, code=code, message=message)
        metrics.ORDERS_NOT_SENT.labels(reason=str(code)).inc()
        logger.warning("order %s withheld: %s %s", order.pk, code, message)
        return "withheld"

    def _lose_sight(self, order: Order, error: Exception) -> str:
        """The call was begun and failed: the terminal may have the order."""
        self._called.pop(order.tag or "", None)
        if not isinstance(error, QmtError):
            logger.error("submit call of order %s failed", order.pk, exc_info=error)
        lifecycle.mark_unknown([order.pk], reason=f"{type(error).__name__}: {error}")
        metrics.ORDERS_UNKNOWN.labels(reason="call").inc()
        self._session.rebuild(f"a submit call failed: {error}")
        return "unknown"

    # --- one cancel -------------------------------------------------------------------------

    def _cancel(self, order_id: UUID, account_id: int) -> str:
        with log_facts(order_id=str(order_id), account_id=account_id):
            return self._cancel_now(order_id, account_id)

    def _cancel_now(self, order_id: UUID, account_id: int) -> str:
        session = self._session.ready()
        if session is None or self._lease.seconds_left() < self._config.lease_margin_seconds:
            return "not ready"
        clock = self._clock()
        if clock is None or clock.stale or not accepts_cancels(clock.phase):
            return "kept until the session allows it"
        order = claims.claim_cancel(order_id, account_id=account_id, host_name=self._host_name)
        if order is None:
            return "nothing to cancel"
        crashpoints.reach(crashpoints.AFTER_CANCEL_CLAIM)
        reference = AccountRef(order.account.account_no, order.account.account_type)
        try:
            with self._session.sending(session) as gateway:
                gateway.cancel(reference, int(order.broker_order_id))
        except (NotReady, NotSent) as error:
            claims.unclaim_cancel(order_id)
            logger.warning("cancel of order %s did not leave: %s", order_id, error)
            return "not sent"
        except Exception as error:  # noqa: BLE001 -- as above
            # Sent or not, nobody knows: the order's own status will say, at the latest the one
            # that the next session is asked for. Never repeated on a timer.
            logger.warning("cancel of order %s has no answer: %s: %s", order_id, type(error).__name__, error)
            self._session.request_reconcile()
            return "unknown"
        crashpoints.reach(crashpoints.AFTER_CANCEL)
        return "cancel sent"


def _not_ready() -> str:
    return "not ready"


def _nothing_to_send() -> str:
    return "nothing to send"


def _request(order: Order) -> OrderRequest:
    """The SDK request of a claimed order.

    Raises
    ------
    RequestInvalid
        The row lacks what an order needs; it cannot be sent by anybody.
    """
    if not order.tag:
        raise RequestInvalid("the order has no tag")
    return OrderRequest(
        account_no=order.account.account_no,
        account_type=order.account.account_type,
        symbol=order.symbol,
        side=Side(order.side),
        quantity=order.quantity,
        price_type=PriceType(order.price_type),
        price=order.price if order.price is not None else Decimal(0),
        tag=order.tag,
    )
