"""Once a second: what nobody woke us for, and what nobody answered.

The poll makes Redis dispensable: a queued order or a wanted cancel is found here even when the wake-up
was lost. Time to live and deadlines go by database time. Nothing here ever sends an order a
second time: a deadline turns SUBMITTING into UNKNOWN, and only evidence leads on from there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet

from accounts.services import grants_expire
from ops.clocks import database_now
from trading.orders import claims, lifecycle
from trading.orders.choices import Status
from trading.orders.models import Order
from trading.orders.runtime import metrics
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.database import database_thread, usable_connection
from trading.orders.runtime.lanes import Lanes
from trading.orders.runtime.sender import Sender
from trading.orders.runtime.session import TradeSession
from trading.orders.services import kill_steps

logger = logging.getLogger(__name__)

#: Most rows one sweep hands to the lanes; the next sweep takes the rest.
BATCH = 200


class Sweeper:
    """The worker's clockwork; every duty is a method of its own and safe to repeat."""

    def __init__(
        self,
        *,
        host_name: str,
        session: TradeSession,
        sender: Sender,
        lanes: Lanes,
        config: RuntimeConfig,
        unresolved: Callable[[], None],
    ) -> None:
        self._host_name = host_name
        self._session = session
        self._sender = sender
        self._lanes = lanes
        self._config = config
        self._unresolved = unresolved
        self._stop = threading.Event()
        self._thread = database_thread(self._run, name="sweeper")

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        self._stop.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stop.wait(self._config.poll_seconds):
            self.sweep()

    def sweep(self) -> None:
        """One round of all duties; a failing one does not keep the others from their turn."""
        for duty in (
            self.hung_calls,
            self.rights,
            self.expire,
            self.deadlines,
            self.orders,
            self.kills,
            self.cancels,
            self._unresolved,
        ):
            try:
                with usable_connection():
                    duty()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("sweep waits for the database: %s", error)
                return
            except Exception:
                logger.exception("sweep: %s failed", getattr(duty, "__name__", duty))

    def hung_calls(self) -> None:
        """An SDK call that does not return makes the session sick; its account gets a new lane."""
        hung = self._lanes.abandon_hung(self._config.hung_call_seconds)
        if hung:
            metrics.SESSION_REBUILDS.labels(reason="hung").inc()
            self._session.rebuild(f"an SDK call hangs: {', '.join(hung)}")

    def rights(self) -> None:
        """Grants whose time is over are removed, and with them the authority of what was queued under them."""
        grants_expire()

    def expire(self) -> None:
        """QUEUED past its time to live, or of an older epoch: EXPIRED, never sent late."""
        lifecycle.expire_due(self._host_name)

    def deadlines(self) -> None:
        """SUBMITTING without an answer past the deadline, whatever the reason: UNKNOWN."""
        overdue = database_now() - timedelta(seconds=self._config.response_deadline_seconds)
        waiting = Order.objects.filter(host_name=self._host_name, status=Status.SUBMITTING, claimed_at__lt=overdue)
        orders = list(waiting.values_list("pk", flat=True)[:BATCH])
        if not orders:
            return
        moved = lifecycle.mark_unknown(orders, reason="no answer before the deadline")
        if moved:
            metrics.ORDERS_UNKNOWN.labels(reason="deadline").inc(len(moved))
            self._session.request_reconcile()

    def orders(self) -> None:
        """Queued orders nobody woke us for."""
        if self._session.ready() is None:
            return
        waiting = claims.claimable(self._host_name).order_by("submitted_at")
        self._hand_over(waiting, self._sender.send)

    def cancels(self) -> None:
        """Wanted cancels that were not sent: the order has an id by now, or the phase allows it by now."""
        if self._session.ready() is None:
            return
        wanted = claims.cancels_due(self._host_name).order_by("cancel_requested_at")
        self._hand_over(wanted, self._sender.cancel)

    def kills(self) -> None:
        """Kill switches that have not come to their end: cancel what appeared meanwhile, sell what is to be sold."""
        kill_steps.advance_host(self._host_name)

    @staticmethod
    def _hand_over(rows: QuerySet[Order], hand: Callable[[UUID, int], object]) -> None:
        for order_id, account_id in rows.values_list("pk", "account_id")[:BATCH]:
            hand(order_id, account_id)
