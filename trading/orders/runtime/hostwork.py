"""What a session does with the platform's tables: whom to follow, what to reconcile, which dates to open and close."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from accounts.choices import AccountMode
from accounts.models import BrokerAccount, QmtHost
from ops.clocks import database_now
from ops.errors import Code
from qmt.gateway import AccountRef, ClockReading
from trading.orders import lifecycle
from trading.orders.choices import Status
from trading.orders.models import Order
from trading.orders.runtime import metrics, tradedate
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.reconcile import Reconciler
from trading.orders.runtime.session import OpenSession, SessionRefused, TradeSession
from trading.risk.venues import venue_refusal

logger = logging.getLogger(__name__)


class HostWork:
    """`SessionWork` of one host.

    Parameters
    ----------
    reading
        The last market clock reading; None before the first.
    simulated
        Whether the terminal behind this process is a simulated one.
    """

    def __init__(
        self,
        *,
        host_name: str,
        reconciler: Reconciler,
        reading: Callable[[], ClockReading | None],
        simulated: bool,
        config: RuntimeConfig,
    ) -> None:
        self._host_name = host_name
        self._reconciler = reconciler
        self._reading = reading
        self._simulated = simulated
        self._config = config
        self._asked_at = database_now() - timedelta(days=1)

    # --- SessionWork ------------------------------------------------------------------------

    def accounts(self) -> Sequence[AccountRef]:
        """The host's enabled accounts, after the mode rules.

        Paper never meets a broker's terminal, nor live a simulated one. A live account whose
        installation does not allow live trading (any more) is followed all the same: what
        is at the broker has to be seen and can be cancelled; every new order is refused.

        Raises
        ------
        SessionRefused
            For the first thing that does not fit, with its code.
        """
        host = QmtHost.objects.get(name=self._host_name)
        if not host.enabled:
            raise SessionRefused(f"{Code.HOST_DISABLED}: host={host.name}")
        if host.is_simulated != self._simulated:
            # This process has loaded the other natives, and keeps them until it is started again.
            raise SessionRefused(f"{Code.TERMINAL_DOWN}: host={host.name} kind={host.kind}, restart its workers")
        rows = self._rows()
        if not rows:
            raise SessionRefused(f"{Code.ACCOUNT_NOT_FOUND}: the host has no enabled account")
        for row in rows:
            refusal = venue_refusal(row, host, simulated=self._simulated, live_allowed=True)
            if row.mode != AccountMode.READ_ONLY and refusal is not None:
                raise SessionRefused(refusal.message)
        return [AccountRef(row.account_no, row.account_type) for row in rows]

    def before_connect(self) -> None:
        """No call of an earlier session runs any more: what it left SUBMITTING becomes UNKNOWN."""
        moved = lifecycle.session_lost(self._host_name, reason="the order session ended")
        if moved:
            metrics.ORDERS_UNKNOWN.labels(reason="session").inc(len(moved))
            logger.warning("%d orders without an answer are UNKNOWN", len(moved))

    def reconcile(self, session: OpenSession) -> None:
        """Reconcile every account of the host, and open or close its trade dates."""
        for account in self._rows():
            reading = self._reading()
            if reading is not None:
                tradedate.open_if_trading(account, reading)
            verdict = self._reconciler.account(account, session)
            if reading is not None:
                tradedate.close_missed(account, reading, verdict)
                tradedate.close_if_over(account, reading)

    # --- used by the sweeper and the refresher ----------------------------------------------

    def chase_unresolved(self, session: TradeSession) -> None:
        """Ask for the evidence that UNKNOWN orders wait for: another session, or another round of queries."""
        ready = session.ready()
        if ready is None:
            return
        unknown = Order.objects.filter(host_name=self._host_name, status=Status.UNKNOWN, final_at__isnull=True)
        due = self._reconciler.due(unknown[:500])
        if not due:
            return
        if self._reconciler.needs_new_session(due, ready):
            metrics.SESSION_REBUILDS.labels(reason="unresolved").inc()
            session.rebuild("an order without an answer needs a younger session")
            return
        now = database_now()
        if now - self._asked_at >= timedelta(seconds=self._config.absence_settle_seconds / 3):
            self._asked_at = now
            session.request_reconcile()

    def refresh(self, account_id: int, session: OpenSession) -> None:
        """Ask for money and holdings of one account."""
        account = BrokerAccount.objects.filter(pk=account_id, host__name=self._host_name, enabled=True).first()
        if account is not None:
            self._reconciler.refresh(account, session)

    def _rows(self) -> list[BrokerAccount]:
        return list(BrokerAccount.objects.filter(host__name=self._host_name, enabled=True).order_by("pk"))
