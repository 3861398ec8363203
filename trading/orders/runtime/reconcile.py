"""Reconciliation: ask the terminal for its full day, compare, resolve what nobody answered.

At connect, every minute, on demand and at the close. A failed query is not an empty answer: it
ends the round with an exception and nothing is applied. An empty position list after a non-empty one counts only
after several equal answers.

An UNKNOWN order is found by its tag, or proven absent: several successful full-day queries
without it, through a session opened after the one it was claimed under had stopped, the last of
them long enough after the response deadline (docs/design.md, section 5).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

from accounts.models import BrokerAccount
from ops.clocks import wall_now
from qmt.gateway import AccountRef, ClockReading, OrderUpdate, PositionUpdate
from trading.ledger.models import Position
from trading.orders import lifecycle
from trading.orders.choices import Status
from trading.orders.intake import AccountSnapshot, IntakeResult
from trading.orders.intake.news import RoundMemory
from trading.orders.models import Order
from trading.orders.runtime import crashpoints, metrics
from trading.orders.runtime.bookcheck import BookCheck, Verdict
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.session import OpenSession

logger = logging.getLogger(__name__)

#: Two machines' clocks: a session counts as younger than a claim only by more than this.
CLOCK_MARGIN = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class Absence:
    """How often, and when last, one session's full-day queries did not show an order."""

    session_key: str
    queries: int
    last_at: datetime


class Reconciler:
    """Runs rounds of queries for the session's thread; keeps the count of absences between them.

    Parameters
    ----------
    reading
        The host's market clock; while it is None no absence proves anything.
    on_result
        Told what each applied round led to (cancels to send, accounts to ask again).
    """

    def __init__(
        self,
        *,
        config: RuntimeConfig,
        reading: Callable[[], ClockReading | None],
        on_result: Callable[[IntakeResult], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._reading = reading
        self._on_result = on_result
        self._sleep = sleep
        self._books = BookCheck(config=config, reading=reading, sleep=sleep)
        self._absences: dict[UUID, Absence] = {}
        self._memories: dict[int, RoundMemory] = {}

    def account(self, account: BrokerAccount, session: OpenSession) -> Verdict:
        """Reconcile one account completely.

        Returns
        -------
        Verdict
            Whether the account's books agree with the broker's figures.

        Raises
        ------
        QueryFailed
            A query gave no answer; nothing of this round was applied.
        """
        began = time.monotonic()
        try:
            snapshot = self._round(account, session)
            self._resolve(account, snapshot, session)
            verdict = self._books.check(
                account, snapshot, session_key=session.key, again=partial(self._round, account, session)
            )
        except Exception:
            metrics.RECONCILIATIONS.labels(result="failed").inc()
            raise
        metrics.RECONCILIATIONS.labels(result="done").inc()
        metrics.RECONCILE_SECONDS.observe(time.monotonic() - began)
        return verdict

    def _round(self, account: BrokerAccount, session: OpenSession) -> AccountSnapshot:
        snapshot = self.ask(account, session)
        crashpoints.reach(crashpoints.AFTER_QUERY)
        self._apply(account, snapshot, session)
        return snapshot

    def refresh(self, account: BrokerAccount, session: OpenSession) -> None:
        """Ask for money and holdings only, so that reservations the broker now covers are given back."""
        started_at = wall_now()
        reference = _reference(account)
        timeout = self._config.query_timeout_seconds
        asset = session.gateway.query_asset(reference, timeout_seconds=timeout)
        positions = self._positions(account, session)
        self._apply(
            account,
            AccountSnapshot(started_at=started_at, asset=asset, positions=positions),
            session,
        )

    # --- asking -----------------------------------------------------------------------------

    def ask(self, account: BrokerAccount, session: OpenSession) -> AccountSnapshot:
        """The terminal's full day of one account; nothing is applied.

        Raises
        ------
        QueryFailed
            One of the queries gave no answer.
        """
        started_at = wall_now()
        reference = _reference(account)
        timeout = self._config.query_timeout_seconds
        gateway = session.gateway
        # Orders before fills: a fill between the two queries then finds its order already known.
        orders = gateway.query_orders(reference, timeout_seconds=timeout)
        trades = gateway.query_trades(reference, timeout_seconds=timeout)
        asset = gateway.query_asset(reference, timeout_seconds=timeout)
        positions = self._positions(account, session)
        return AccountSnapshot(started_at=started_at, asset=asset, orders=orders, trades=trades, positions=positions)

    def _positions(self, account: BrokerAccount, session: OpenSession) -> tuple[PositionUpdate, ...]:
        """Holdings; an empty answer is asked for again while the book still holds something."""
        reference, timeout = _reference(account), self._config.query_timeout_seconds
        positions = session.gateway.query_positions(reference, timeout_seconds=timeout)
        confirmations = 1
        while (
            not positions
            and confirmations < self._config.position_confirmations
            and Position.objects.filter(account=account, quantity__gt=0).exists()
        ):
            self._sleep(self._config.confirmation_gap_seconds)
            positions = session.gateway.query_positions(reference, timeout_seconds=timeout)
            confirmations += 1
        return positions

    def _apply(self, account: BrokerAccount, snapshot: AccountSnapshot, session: OpenSession) -> None:
        memory = self._memories.get(account.pk)
        if memory is None or memory.session_key != session.key:
            memory = self._memories[account.pk] = RoundMemory(session.key)
        self._on_result(lifecycle.resolve_by_query(account.pk, snapshot, session_key=session.key, memory=memory))

    # --- absence ----------------------------------------------------------------------------

    def _resolve(self, account: BrokerAccount, snapshot: AccountSnapshot, session: OpenSession) -> None:
        """Count one absence for every UNKNOWN order that this round did not show, and use up what is due."""
        unknown = self._unknown(account)
        if not unknown:
            return
        self._count(unknown, snapshot.orders or (), session, snapshot.started_at)
        due = [order for order in unknown if self._settled(order) and _younger(session, order)]
        while due:
            proven = [order for order in due if self._proven(order, session)]
            if proven:
                self._not_found(proven)
            due = [order for order in due if order not in proven and order.pk in self._absences]
            if not due:
                return
            self._sleep(self._config.confirmation_gap_seconds)
            again = self.ask(account, session)
            self._apply(account, again, session)
            unknown = self._unknown(account)
            self._count(unknown, again.orders or (), session, again.started_at)
            still = {order.pk for order in unknown}
            due = [order for order in due if order.pk in still]

    def _today(self) -> date | None:
        reading = self._reading()
        return reading.trade_date if reading else None

    @staticmethod
    def _unknown(account: BrokerAccount) -> list[Order]:
        return list(Order.objects.filter(account=account, status=Status.UNKNOWN, final_at__isnull=True))

    def _count(
        self,
        unknown: Sequence[Order],
        shown: Sequence[OrderUpdate],
        session: OpenSession,
        asked_at: datetime,
    ) -> None:
        today = self._today()
        fitting = [update for update in shown if any(_may_be(order, update) for order in unknown)]
        nobodys = _unclaimed(fitting, today)
        for order in unknown:
            if order.trade_date != today or not _younger(session, order):
                self._absences.pop(order.pk, None)
                continue
            candidates = [update for update in nobodys if _may_be(order, update)]
            if candidates:
                # Not proven absent: its remark may have come back empty or cut. A person decides.
                self._absences.pop(order.pk, None)
                logger.warning(
                    "order %s is unresolved: the terminal shows candidates %s",
                    order.pk,
                    [c.order_id for c in candidates],
                )
                continue
            former = self._absences.get(order.pk)
            queries = former.queries if former and former.session_key == session.key else 0
            self._absences[order.pk] = Absence(session.key, queries + 1, asked_at)

    def _settled(self, order: Order) -> bool:
        """Whether enough time has passed since the order's response deadline for an absence to count."""
        return wall_now() >= self._settles_at(order)

    def _settles_at(self, order: Order) -> datetime:
        start = order.claimed_at or order.submitted_at
        return start + timedelta(seconds=self._config.response_deadline_seconds + self._config.absence_settle_seconds)

    def _proven(self, order: Order, session: OpenSession) -> bool:
        absence = self._absences.get(order.pk)
        return (
            absence is not None
            and absence.session_key == session.key
            and absence.queries >= self._config.absence_queries
            and absence.last_at >= self._settles_at(order)
        )

    def _not_found(self, orders: Sequence[Order]) -> None:
        for order in orders:
            absence = self._absences.pop(order.pk)
            evidence = {
                "queries": absence.queries,
                "session": absence.session_key,
                "last_query_at": absence.last_at.isoformat(),
            }
            if lifecycle.mark_not_found([order.pk], evidence=evidence):
                metrics.ORDERS_RESOLVED.labels(state=Status.NOT_FOUND).inc()
                logger.warning(
                    "order %s is not at the terminal (%d full-day queries)",
                    order.pk,
                    absence.queries,
                )

    def due(self, orders: Iterable[Order]) -> list[Order]:
        """Those of `orders` that a reconciliation now could settle: of today, and their time has come."""
        today = self._today()
        return [order for order in orders if order.trade_date == today and self._settled(order)]

    @staticmethod
    def needs_new_session(orders: Iterable[Order], session: OpenSession) -> bool:
        """Whether one of `orders` waits for a proof that only a younger session can give."""
        return any(not _younger(session, order) for order in orders)


def _reference(account: BrokerAccount) -> AccountRef:
    return AccountRef(account.account_no, account.account_type)


def _younger(session: OpenSession, order: Order) -> bool:
    """Whether the session was opened after every session the order can have been sent through had stopped."""
    if order.session_key and order.session_key == session.key:
        return False
    opened_at = datetime.fromtimestamp(session.opened_at_ns / 1e9, tz=UTC)
    return order.claimed_at is None or opened_at > order.claimed_at + CLOCK_MARGIN


def _unclaimed(updates: Sequence[OrderUpdate], today: date | None) -> list[OrderUpdate]:
    """Those of the terminal's orders that no order of ours is known to be."""
    numbers = [update.order_sysid for update in updates if update.order_sysid]
    if today is None or not numbers:
        return list(updates)
    taken = set(
        Order.objects.filter(trade_date=today, order_sysid__in=numbers).values_list(
            "account__account_no", "order_sysid"
        )
    )
    return [update for update in updates if (update.account_no, update.order_sysid) not in taken]


def _may_be(order: Order, update: OrderUpdate) -> bool:
    """Whether an order the terminal shows may be ours although its remark is not our whole tag."""
    if (update.symbol, str(update.side), update.quantity) != (
        order.symbol,
        order.side,
        order.quantity,
    ):
        return False
    tag = order.tag or ""
    return update.tag == "" or (len(update.tag) < len(tag) and tag.startswith(update.tag))
