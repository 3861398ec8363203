"""What a session does with the platform's tables: whom to follow, what to reconcile, which dates to open and close."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db.models import F, Q

from accounts.choices import AccountMode, SessionState
from accounts.maintenance import under_maintenance
from accounts.models import BrokerAccount, QmtHost
from ops.clocks import database_now
from ops.errors import Code
from ops.logfacts import log_facts
from qmt.errors import QmtError
from qmt.gateway import AccountRef, ClockReading
from trading.ledger.models import AccountBook
from trading.orders import lifecycle
from trading.orders.choices import Status
from trading.orders.models import Order
from trading.orders.runtime import metrics, tradedate
from trading.orders.runtime.accountstates import AccountStates
from trading.orders.runtime.bookcheck import Verdict
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.newissues import IssueWatch
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
    states
        Where the state of each account is kept.
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
        states: AccountStates,
        config: RuntimeConfig,
    ) -> None:
        self._host_name = host_name
        self._reconciler = reconciler
        self._reading = reading
        self._simulated = simulated
        self._config = config
        self.states = states
        self._issues = IssueWatch(reading=reading, timeout_seconds=config.query_timeout_seconds)
        self._tended_at = 0.0
        self._undecided: set[int] = set()
        self._probed: int = 0
        self._probed_at = 0.0
        self._asked_at = database_now() - timedelta(days=1)

    # --- SessionWork ------------------------------------------------------------------------

    def accounts(self) -> Sequence[AccountRef]:
        """The host's enabled accounts that may be followed here, after the mode rules.

        Paper never meets a broker's terminal, nor live a simulated one. A live account whose
        installation does not allow live trading (any more) is followed all the same: what
        is at the broker has to be seen and can be cancelled; every new order is refused.

        Raises
        ------
        SessionRefused
            The host does not fit or is under maintenance, or none of its accounts does, with the first one's code.
        """
        host = QmtHost.objects.get(name=self._host_name)
        if not host.enabled:
            raise SessionRefused(f"{Code.HOST_DISABLED}: host={host.name}")
        if until := under_maintenance(host):
            raise SessionRefused(f"{Code.HOST_MAINTENANCE}: host={host.name} until={until}")
        if host.is_simulated != self._simulated:
            # This process has loaded the other natives, and keeps them until it is started again.
            raise SessionRefused(f"{Code.TERMINAL_DOWN}: host={host.name} kind={host.kind}, restart its workers")
        rows = self._rows()
        if not rows:
            raise SessionRefused(f"{Code.ACCOUNT_NOT_FOUND}: the host has no enabled account")
        refusals = {row.pk: self._refusal(row, host) for row in rows}
        fitting = [row for row in rows if not refusals[row.pk]]
        if not fitting:
            raise SessionRefused(next(iter(refusals.values())))
        for row in rows:
            if refusals[row.pk]:
                self.states.set(row, SessionState.DOWN, refusals[row.pk])
        return [_reference(row) for row in fitting]

    def _refusal(self, account: BrokerAccount, host: QmtHost) -> str:
        """Why the account must not be followed by this process; empty when it may."""
        refusal = venue_refusal(account, host, simulated=self._simulated, live_allowed=True)
        return "" if refusal is None or account.mode == AccountMode.READ_ONLY else refusal.message

    def before_connect(self) -> None:
        """No call of an earlier session runs any more: what it left SUBMITTING becomes UNKNOWN."""
        self.states.begin()
        moved = lifecycle.session_lost(self._host_name, reason="the order session ended")
        if moved:
            metrics.ORDERS_UNKNOWN.labels(reason="session").inc(len(moved))
            logger.warning("%d orders without an answer are UNKNOWN", len(moved))

    def reconcile(self, session: OpenSession) -> None:
        """Reconcile every account that the session follows, and open or close its trade dates.

        An account that gives no answer, or that the terminal refuses, blocks only itself.

        Raises
        ------
        QmtError
            No account at all could be reconciled: the session is sick.
        """
        failures = [error for account in self._rows() if (error := self._reconcile_one(account, session)) is not None]
        if failures and not any(self.states.is_ready(account.pk) for account in self._rows()):
            raise failures[0]

    def tend(self, session: OpenSession) -> None:
        """Look after single accounts while the session is ready: ask one for its money, try again what is in trouble."""
        now = time.monotonic()
        rows = self._rows()
        for row in self._wanted(rows):
            self._reconcile_one(row, session)
        if now - self._tended_at >= self._config.account_retry_seconds:
            self._tended_at = now
            troubled = [row for row in rows if row.pk in self._undecided or not self.states.is_ready(row.pk)]
            self._try_again(troubled, session)
        ready = [row for row in rows if self.states.is_ready(row.pk)]
        if ready and now - self._probed_at >= self._config.account_probe_seconds:
            self._probed_at = now
            self._probed += 1
            self._probe(ready[self._probed % len(ready)], session)
        self._issues.tend(session.gateway, ready)

    def _reconcile_one(self, account: BrokerAccount, session: OpenSession) -> QmtError | None:
        """Reconcile one account; its trouble is noted and returned."""
        with log_facts(account_id=account.pk):
            return self._reconcile_account(account, session)

    def _reconcile_account(self, account: BrokerAccount, session: OpenSession) -> QmtError | None:
        reference = _reference(account)
        refused = session.gateway.refused.get(reference)
        if refused is not None:
            self.states.set(account, SessionState.DOWN, refused)
            return None
        if self._refusal(account, account.host):
            return None
        if not self.states.is_ready(account.pk):
            self.states.set(account, SessionState.RECONCILING)
        reading = self._reading()
        try:
            if reading is not None:
                tradedate.open_if_trading(account, reading)
            verdict = self._reconciler.account(account, session)
        except QmtError as error:
            self.states.set(account, SessionState.SICK, f"{type(error).__name__}: {error}")
            return error
        if verdict is Verdict.UNDECIDED:
            self._undecided.add(account.pk)
        else:
            self._undecided.discard(account.pk)
        if reading is not None:
            tradedate.close_missed(account, reading, verdict)
            tradedate.close_if_over(account, reading)
        self.states.set(account, SessionState.READY)
        self.states.answered(account.pk)
        return None

    def _wanted(self, rows: Sequence[BrokerAccount]) -> list[BrokerAccount]:
        """Accounts that somebody asked to have reconciled since it was last done."""
        books = AccountBook.objects.filter(account__in=rows, reconcile_wanted_at__isnull=False)
        due = books.filter(Q(reconciled_at=None) | Q(reconciled_at__lt=F("reconcile_wanted_at")))
        wanted = set(due.values_list("pk", flat=True))
        return [row for row in rows if row.pk in wanted]

    def _try_again(self, rows: Sequence[BrokerAccount], session: OpenSession) -> None:
        if not rows:
            return
        try:
            session.gateway.follow()
        except QmtError as error:
            logger.warning("refused accounts could not be asked for again: %s", error)
        for row in rows:
            was_ready = self.states.is_ready(row.pk)
            if self._reconcile_one(row, session) is None and self.states.is_ready(row.pk) and not was_ready:
                logger.info("account %s is ready again", row.pk)

    def _probe(self, account: BrokerAccount, session: OpenSession) -> None:
        try:
            session.gateway.query_asset(_reference(account), timeout_seconds=self._config.query_timeout_seconds)
        except QmtError as error:
            failures = self.states.failed(account.pk)
            logger.warning("account %s: probe %d failed: %s", account.pk, failures, error)
            if failures >= self._config.probe_failures:
                self.states.set(account, SessionState.SICK, f"{failures} probes failed: {error}")
        else:
            self.states.answered(account.pk)

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
        if account is not None and self.states.is_ready(account.pk):
            self._reconciler.refresh(account, session)

    def _rows(self) -> list[BrokerAccount]:
        rows = BrokerAccount.objects.select_related("host").filter(host__name=self._host_name, enabled=True)
        return list(rows.order_by("pk"))


def _reference(account: BrokerAccount) -> AccountRef:
    return AccountRef(account.account_no, account.account_type)
