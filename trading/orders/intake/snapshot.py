"""One round of full-day query answers about one account, applied in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from accounts.models import BrokerAccount, QmtHost
from qmt.gateway import OrderUpdate, TradeUpdate
from trading.ledger.dates import trade_date_open
from trading.ledger.holdings import asset_apply, positions_apply
from trading.ledger.journal import Journal, account_journals
from trading.orders.choices import OrderEventKind, Side
from trading.orders.intake import parking
from trading.orders.intake.adoption import adopt, unresolved
from trading.orders.intake.batch import Intake
from trading.orders.intake.book import Clues, OrderBook, OrderEvidence, candidates
from trading.orders.intake.evidence import Batch
from trading.orders.intake.fills import booked_keys, instruments_of, trade_date_of, trade_key
from trading.orders.intake.results import AccountSnapshot, IntakeResult
from trading.orders.models import Order, ParkedEvent
from trading.orders.states import TERMINAL
from trading.orders.steps import ZERO, take

logger = logging.getLogger(__name__)


def resolve_by_query(account_id: int, snapshot: AccountSnapshot, *, session_key: str) -> IntakeResult:
    """Apply one round of query answers: orders, fills, asset, positions; adopt unknown orders.

    What the answers say that is known already is sorted out before the account's book is
    held, so that a full day of finished orders costs reading, not waiting.

    External orders are adopted only while no SUBMITTING or UNKNOWN order of ours fits them.
    Reservations that the broker's figure now contains are given back.
    """
    account = BrokerAccount.objects.select_related("host__status").get(pk=account_id)
    intake = Intake(account.host, {account.account_no: account}, session_key)
    orders = _news(intake, snapshot.orders or (), session_key)
    trades = _unbooked(intake, account.pk, snapshot.trades or ())
    result = IntakeResult()
    with account_journals([account_id]) as journals:
        journal = journals[account_id]
        evidence = intake.evidence([*orders, *trades])
        parked = _parked(intake.host, account_id)
        clues = [clue for _, clue in evidence] + [intake.clues(event) for _, event in parked]
        batch = intake.batch(journals, clues, result, queried_at=snapshot.started_at)
        _adopt_missing(intake, batch, journal, orders)
        intake.apply_evidence(batch, evidence)
        intake.retry_parked(batch, [row for row, _ in parked])
        _apply_holdings(journal, snapshot)
        _hand_over(journal, snapshot, result)
    if journal.entries():
        result.accounts.add(account_id)
    return result


def _parked(host: QmtHost, account_id: int) -> list[tuple[ParkedEvent, OrderEvidence]]:
    rows = parking.waiting(host)
    return [(row, parking.restore(row)) for row in rows if row.account_id in (None, account_id)]


def _news(intake: Intake, updates: Sequence[OrderUpdate], session_key: str) -> list[OrderUpdate]:
    """The order states that say anything new."""
    pairs = [(update, intake.clues(update)) for update in updates]
    accounts = [account.pk for account in intake.accounts.values()]
    clues = [clue for _, clue in pairs]
    known = OrderBook(frozenset(accounts), session_key)
    for order in candidates(clues, accounts=accounts, session_key=session_key):
        known.add(order)
    return [update for update, clue in pairs if not _is_known(known, update, clue)]


def _is_known(known: OrderBook, update: OrderUpdate, clues: Clues) -> bool:
    order = known.find(clues)
    if order is None or order.broker_status != update.status:
        return False
    if order.broker_traded_quantity < update.traded_quantity:
        return False
    if order.order_sysid != update.order_sysid or order.broker_order_id != clues.broker_order_id:
        return False
    # A working order must also be known by the number this session gives it.
    return order.status in TERMINAL or order.seen_session == known.session_key


def _unbooked(intake: Intake, account_id: int, updates: Sequence[TradeUpdate]) -> list[TradeUpdate]:
    """The fills that are not booked under their full number."""
    keyed = [(update, trade_key(account_id, update, trade_date_of(update, intake.today))) for update in updates]
    booked = booked_keys(key for _, key in keyed)
    return [update for update, key in keyed if key not in booked]


def _adopt_missing(intake: Intake, batch: Batch, journal: Journal, updates: Sequence[OrderUpdate]) -> None:
    """Give every order of the terminal's a row, unless one of ours may be it."""
    missing = [update for update in updates if batch.orders.find(intake.clues(update)) is None]
    if not missing:
        return
    ours = unresolved(journal.book.pk)
    instruments = instruments_of(update.symbol for update in missing)
    for update in missing:
        trade_date = intake.clues(update).trade_date or intake.today
        order = adopt(
            journal,
            update,
            trade_date=trade_date,
            instrument=instruments.get(update.symbol),
            ours=ours,
            session_key=batch.session_key,
        )
        if order is not None:
            trade_date_open(journal, trade_date)
            batch.orders.add(order)
            batch.result.adopted.append(order.pk)
            logger.warning("account %s: adopted external order %s", order.account_id, order.pk)


def _apply_holdings(journal: Journal, snapshot: AccountSnapshot) -> None:
    if snapshot.asset is not None:
        asset_apply(journal, snapshot.asset, query_started_at=snapshot.started_at)
    if snapshot.positions is not None:
        ids = {symbol: row.pk for symbol, row in instruments_of(row.symbol for row in snapshot.positions).items()}
        positions_apply(journal, snapshot.positions, instrument_ids=ids, query_started_at=snapshot.started_at)
    journal.change_book(reconciled_at=journal.at)


def _hand_over(journal: Journal, snapshot: AccountSnapshot, result: IntakeResult) -> None:
    """Give back promises that the broker's own figure now contains.

    That is so for orders that were reported before the query was started; cash is vouched
    for by the asset, shares by the positions.
    """
    orders = Order.objects.select_related("created_by").filter(
        account_id=journal.book.pk, reported_at__lt=snapshot.started_at
    )
    if snapshot.asset is not None:
        for order in orders.filter(side=Side.BUY, reserved_cash__gt=0):
            take(
                journal,
                order,
                order.status,
                kind=OrderEventKind.RELEASED,
                data={"cash": str(order.reserved_cash), "reason": "in the broker's figure"},
                reserved_cash=ZERO,
            )
    if snapshot.positions is not None:
        for order in orders.filter(side=Side.SELL, reserved_quantity__gt=0):
            take(
                journal,
                order,
                order.status,
                kind=OrderEventKind.RELEASED,
                data={"quantity": order.reserved_quantity, "reason": "in the broker's figure"},
                reserved_quantity=0,
            )
    if journal.entries():
        result.accounts.add(journal.book.pk)
