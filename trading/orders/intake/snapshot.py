"""One round of full-day query answers about one account, applied in slices."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from accounts.models import BrokerAccount, QmtHost
from qmt.gateway import OrderUpdate, TradeUpdate
from trading.ledger.dates import trade_date_open
from trading.ledger.holdings import asset_apply, confirm_sold, confirm_spent, positions_apply, unconfirmed_sold
from trading.ledger.journal import Journal, account_journals
from trading.orders.choices import OrderEventKind, Side
from trading.orders.intake import parking
from trading.orders.intake.adoption import adopt, unresolved
from trading.orders.intake.batch import Intake
from trading.orders.intake.book import OrderEvidence
from trading.orders.intake.evidence import Batch
from trading.orders.intake.fills import instruments_of
from trading.orders.intake.news import RoundMemory, orders_news, trades_news
from trading.orders.intake.results import AccountSnapshot, IntakeResult
from trading.orders.models import Order, ParkedEvent
from trading.orders.steps import ZERO, take
from trading.risk.services.stops import equity_seen

logger = logging.getLogger(__name__)

SLICE = 200
"""Orders, or fills, in one transaction: an order that is placed meanwhile waits for one slice, not for a day."""


def resolve_by_query(
    account_id: int, snapshot: AccountSnapshot, *, session_key: str, memory: RoundMemory | None = None
) -> IntakeResult:
    """Apply one round of query answers: orders, fills, asset, positions; adopt unknown orders.

    What the answers say that is known already is sorted out before the account's book is
    held, so that a full day of finished orders costs reading, not waiting. The rest is applied in slices, money
    and holdings last: they were asked for after the orders and fills, so they contain them.

    External orders are adopted only while no SUBMITTING or UNKNOWN order of ours fits them.
    Reservations that the broker's figure now contains are given back.

    Parameters
    ----------
    memory
        What earlier rounds of this session found to be known; it spares reading it again.
    """
    account = BrokerAccount.objects.select_related("host__status").get(pk=account_id)
    intake = Intake(account.host, {account.account_no: account}, session_key)
    orders = orders_news(intake, account.pk, snapshot.orders or (), session_key, memory)
    trades = trades_news(intake, account.pk, snapshot.trades or (), memory)
    result = IntakeResult()
    spent, sold = ZERO, dict[str, int]()
    for part_orders, part_trades in _slices(orders, trades):
        with account_journals([account_id]) as journals:
            journal = journals[account_id]
            before = journal.book.unconfirmed_cash, unconfirmed_sold(journal)
            _apply_slice(intake, journals, part_orders, part_trades, snapshot, result)
            spent += max(ZERO, journal.book.unconfirmed_cash - before[0])
            for symbol, quantity in unconfirmed_sold(journal).items():
                sold[symbol] = sold.get(symbol, 0) + quantity - before[1].get(symbol, 0)
        result.accounts |= {account_id} if journal.entries() else set()
    with account_journals([account_id]) as journals:
        journal = journals[account_id]
        parked = _parked(intake.host, account_id)
        clues = [intake.clues(event) for _, event in parked]
        batch = intake.batch(journals, clues, result, queried_at=snapshot.started_at)
        intake.retry_parked(batch, [row for row, _ in parked])
        _apply_holdings(journal, snapshot, intake.today, spent, sold)
        _hand_over(journal, snapshot, result)
    if journal.entries():
        result.accounts.add(account_id)
    return result


def _slices(
    orders: Sequence[OrderUpdate], trades: Sequence[TradeUpdate]
) -> Iterator[tuple[Sequence[OrderUpdate], Sequence[TradeUpdate]]]:
    """Orders before fills: a fill then finds its order."""
    if len(orders) + len(trades) <= SLICE:
        if orders or trades:
            yield orders, trades
        return
    for start in range(0, len(orders), SLICE):
        yield orders[start : start + SLICE], ()
    for start in range(0, len(trades), SLICE):
        yield (), trades[start : start + SLICE]


def _apply_slice(
    intake: Intake,
    journals: dict[int, Journal],
    orders: Sequence[OrderUpdate],
    trades: Sequence[TradeUpdate],
    snapshot: AccountSnapshot,
    result: IntakeResult,
) -> None:
    evidence = intake.evidence([*orders, *trades])
    batch = intake.batch(journals, [clue for _, clue in evidence], result, queried_at=snapshot.started_at)
    for journal in journals.values():
        _adopt_missing(intake, batch, journal, orders)
    intake.apply_evidence(batch, evidence)


def _parked(host: QmtHost, account_id: int) -> list[tuple[ParkedEvent, OrderEvidence]]:
    rows = parking.waiting(host)
    return [(row, parking.restore(row)) for row in rows if row.account_id in (None, account_id)]


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


def _apply_holdings(
    journal: Journal, snapshot: AccountSnapshot, today: date, spent: Decimal, sold: dict[str, int]
) -> None:
    """Store the broker's figures; what this round's own fills took is contained in them already."""
    if snapshot.asset is not None:
        asset_apply(journal, snapshot.asset, query_started_at=snapshot.started_at)
        confirm_spent(journal, spent)
        equity_seen(journal, today, snapshot.asset.total_asset)
    if snapshot.positions is not None:
        ids = {symbol: row.pk for symbol, row in instruments_of(row.symbol for row in snapshot.positions).items()}
        positions_apply(journal, snapshot.positions, instrument_ids=ids, query_started_at=snapshot.started_at)
        confirm_sold(journal, sold)
    if snapshot.orders is not None and snapshot.trades is not None:
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
