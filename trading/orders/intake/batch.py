"""One batch of session events, applied in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db.models import BigIntegerField, CharField

from accounts.models import BrokerAccount, QmtHost
from accounts.selectors import host_clock
from marketdata.models import Instrument
from ops.clocks import SHANGHAI, wall_now
from ops.prepared import Prepared
from qmt.calendar import date_of_ms
from qmt.gateway import (
    AccountStatus,
    AssetUpdate,
    CancelError,
    CancelResponse,
    OrderError,
    OrderResponse,
    OrderUpdate,
    PositionUpdate,
    TradeEvent,
    TradeUpdate,
)
from trading.ledger.holdings import asset_apply, positions_apply
from trading.ledger.journal import Journal, account_journals
from trading.orders.choices import OrderEventKind, ParkedState
from trading.orders.intake import parking
from trading.orders.intake.book import Clues, OrderBook, OrderEvidence, candidates, clues_of
from trading.orders.intake.evidence import (
    Batch,
    apply_cancel_error,
    apply_cancel_response,
    apply_error,
    apply_response,
    apply_update,
)
from trading.orders.intake.fills import (
    apply_fill,
    booked_keys,
    instruments_of,
    trade_date_of,
    trade_key,
)
from trading.orders.intake.results import CallReturned, IntakeResult
from trading.orders.models import Order, ParkedEvent
from trading.orders.steps import take
from trading.risk.services.stops import equity_seen

logger = logging.getLogger(__name__)


_HOST = Prepared(lambda name: QmtHost.objects.select_related("status").filter(name=name), CharField())
_ACCOUNTS = Prepared(lambda host_id: BrokerAccount.objects.filter(host=host_id), BigIntegerField())


def apply_events(events: Sequence[TradeEvent | CallReturned], *, host_name: str, session_key: str = "") -> IntakeResult:
    """Apply what one trade session said, in the order it was said, in one transaction.

    Parameters
    ----------
    events
        Of any kind and of any of the host's accounts; repeats and disorder are normal. With
        them the worker's own notes of calls that returned.
    host_name
        The host the session belongs to.
    session_key
        Names the session: its sequence numbers and terminal order ids mean nothing in another.
    """
    host = _HOST.get(host_name)
    accounts = {account.account_no: account for account in _ACCOUNTS.all(host.pk)}
    intake = Intake(host, accounts, session_key)
    return intake.apply(events)


class Intake:
    """One host's session and accounts, for the length of one transaction."""

    def __init__(self, host: QmtHost, accounts: dict[str, BrokerAccount], session_key: str) -> None:
        self.host = host
        self.accounts = accounts
        self.session_key = session_key
        self.today = _market_date(host)
        self._instruments: dict[str, Instrument] = {}

    def apply(self, said: Sequence[TradeEvent | CallReturned]) -> IntakeResult:
        """Apply pushes and answers of the session, and what the worker noted about its calls."""
        notes = [note for note in said if isinstance(note, CallReturned)]
        events = [event for event in said if not isinstance(event, CallReturned)]
        evidence = self.evidence(events)
        parked = parking.waiting(self.host)
        clues = [clue for _event, clue in evidence] + [self._parked_clues(row) for row in parked]
        clues += [Clues(tag=note.tag) for note in notes]
        concerned = self._concerned(events, clues)
        result = IntakeResult()
        if not concerned and not evidence:
            return result
        with account_journals(concerned) as journals:
            batch = self.batch(journals, clues, result)
            self.apply_holdings(journals, events, result)
            self.apply_notes(batch, notes)
            self.apply_evidence(batch, evidence)
            self.retry_parked(batch, parked)
        result.accounts |= {pk for pk, journal in journals.items() if journal.entries()}
        return result

    # ------------------------------------------------------------------ preparation
    def evidence(self, events: Sequence[TradeEvent]) -> list[tuple[OrderEvidence, Clues]]:
        """The events about orders, with what they can be matched by."""
        return [(event, self.clues(event)) for event in events if isinstance(event, OrderEvidence)]

    def clues(self, event: OrderEvidence) -> Clues:
        """What the event can be matched by."""
        account = self.accounts.get(getattr(event, "account_no", ""))
        return clues_of(event, None if account is None else account.pk, self._date_of(event))

    def _date_of(self, event: OrderEvidence) -> date:
        if isinstance(event, TradeUpdate):
            return trade_date_of(event, self.today)
        if isinstance(event, OrderUpdate) and event.order_time_ms > 0:
            return date_of_ms(event.order_time_ms)
        return self.today

    def _parked_clues(self, row: ParkedEvent) -> Clues:
        return self.clues(parking.restore(row))

    def _concerned(self, events: Sequence[TradeEvent], clues: Sequence[Clues]) -> set[int]:
        """The accounts whose books the batch needs: named by an event, or owning a meant order."""
        everyone = [account.pk for account in self.accounts.values()]
        nameless = [clue for clue in clues if clue.account_id is None]
        orders = candidates(nameless, accounts=everyone, session_key=self.session_key)
        named = {
            account.pk
            for event in events
            if (account := self.accounts.get(getattr(event, "account_no", ""))) is not None
        }
        named |= {clue.account_id for clue in clues if clue.account_id is not None}
        return named | {order.account_id for order in orders}

    def batch(
        self,
        journals: dict[int, Journal],
        clues: Sequence[Clues],
        result: IntakeResult,
        queried_at: datetime | None = None,
    ) -> Batch:
        """The open transaction with its candidate orders, read again now that the books are held."""
        orders = OrderBook.load(clues, accounts=journals, session_key=self.session_key)
        return Batch(
            host_name=self.host.name,
            session_key=self.session_key,
            journals=journals,
            orders=orders,
            result=result,
            queried_at=queried_at,
        )

    # -------------------------------------------------------------------- applying
    def apply_holdings(self, journals: dict[int, Journal], events: Sequence[TradeEvent], result: IntakeResult) -> None:
        """Pushed money and positions; of several about one thing in a batch the last counts."""
        assets: dict[int, AssetUpdate] = {}
        positions: dict[int, dict[str, PositionUpdate]] = {}
        for event in events:
            account = self.accounts.get(getattr(event, "account_no", ""))
            if account is None:
                continue
            if isinstance(event, AssetUpdate):
                assets[account.pk] = event
            elif isinstance(event, PositionUpdate):
                positions.setdefault(account.pk, {})[event.symbol] = event
            elif isinstance(event, AccountStatus):
                logger.info("account %s: login status %s", account.pk, event.status)
        for account_id, asset in assets.items():
            if asset_apply(journals[account_id], asset):
                result.refresh.add(account_id)
            equity_seen(journals[account_id], self.today, asset.total_asset)
        for account_id, updates in positions.items():
            ids = {symbol: row.pk for symbol, row in self.instruments(updates).items()}
            positions_apply(journals[account_id], list(updates.values()), instrument_ids=ids)

    def apply_notes(self, batch: Batch, notes: Sequence[CallReturned]) -> None:
        """Note which calls returned; the answer moves the order, and may be here already."""
        for note in notes:
            order = batch.orders.find(Clues(tag=note.tag))
            if order is None:
                logger.error("a call returned for tag %s, which no order of this host carries", note.tag)
                continue
            take(
                batch.journal(order),
                order,
                order.status,
                kind=OrderEventKind.SENT,
                data={"seq": note.seq},
                session_key=self.session_key,
                session_seq=note.seq,
                sent_at=note.sent_at,
            )
            batch.orders.add(order)

    def instruments(self, symbols: Iterable[str]) -> dict[str, Instrument]:
        """The platform's instruments among these symbols, each read once."""
        wanted = set(symbols)
        unread = wanted - self._instruments.keys()
        if unread:
            self._instruments |= instruments_of(unread)
        return {symbol: self._instruments[symbol] for symbol in wanted & self._instruments.keys()}

    def apply_evidence(self, batch: Batch, evidence: Sequence[tuple[OrderEvidence, Clues]]) -> list[OrderEvidence]:
        """Apply each event to its order; what finds none is parked and returned."""
        fills = _Fills(self, [event for event, _ in evidence if isinstance(event, TradeUpdate)])
        unmatched = []
        for event, clues in evidence:
            order = batch.orders.find(clues)
            if order is None:
                unmatched.append(event)
                if parking.park(self.host, event, clues, session_key=self.session_key):
                    batch.result.parked += 1
            else:
                self.apply_one(batch, order, event, fills)
        return unmatched

    def apply_one(self, batch: Batch, order: Order, event: OrderEvidence, fills: _Fills) -> None:
        """Apply one event to the order it means."""
        if isinstance(event, TradeUpdate):
            fills.apply(batch, order, event)
        elif isinstance(event, OrderUpdate):
            apply_update(batch, order, event)
        elif isinstance(event, OrderResponse):
            apply_response(batch, order, event)
        elif isinstance(event, OrderError):
            apply_error(batch, order, event)
        elif isinstance(event, CancelResponse):
            apply_cancel_response(batch, order, event)
        elif isinstance(event, CancelError):
            apply_cancel_error(batch, order, event)

    def retry_parked(self, batch: Batch, parked: Sequence[ParkedEvent]) -> None:
        """Give the parked events another chance now that more orders and numbers are known."""
        events = {row.pk: parking.restore(row) for row in parked}
        fills = _Fills(self, [event for event in events.values() if isinstance(event, TradeUpdate)])
        for row in parked:
            event = events[row.pk]
            order = batch.orders.find(self.clues(event))
            if order is not None:
                self.apply_one(batch, order, event, fills)
                parking.settle(row, ParkedState.APPLIED, batch.journal(order).at)


class _Fills:
    """The fills of one batch: which of them are booked, and the instruments they are in."""

    def __init__(self, intake: Intake, updates: Sequence[TradeUpdate]) -> None:
        self._intake = intake
        self._instruments = intake.instruments(update.symbol for update in updates)
        keys = {
            trade_key(account.pk, update, trade_date_of(update, intake.today))
            for update in updates
            if (account := intake.accounts.get(update.account_no)) is not None
        }
        self._booked = booked_keys(keys)

    def apply(self, batch: Batch, order: Order, update: TradeUpdate) -> None:
        """Book the fill, unless it is booked."""
        trade_date = trade_date_of(update, self._intake.today)
        key = trade_key(order.account_id, update, trade_date, order.order_sysid)
        if key in self._booked or update.quantity <= 0:
            return
        self._booked.add(key)
        instrument = self._instruments.get(update.symbol)
        apply_fill(batch, order, update, key=key, instrument=instrument)


def _market_date(host: QmtHost) -> date:
    """The date the host's market is in, or was at its last report; today's before the first."""
    clock = host_clock(host)
    return wall_now().astimezone(SHANGHAI).date() if clock is None else clock.trade_date
