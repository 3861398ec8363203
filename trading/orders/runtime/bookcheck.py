"""After each complete round of answers: open the books, enter ex-dates, compare, and note what disagrees.

A disagreement counts once it came back unchanged in several rounds: a fill that travels between two
queries looks like one for a moment. Nothing here sends an order, or waits while a book is held.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import date, timedelta
from enum import Enum, auto

from accounts.models import BrokerAccount
from marketdata.models import DataSource
from ops.clocks import wall_now
from qmt.gateway import ClockReading
from trading.ledger.choices import DifferenceKind
from trading.ledger.comparison import Finding, Identity, compare_holdings
from trading.ledger.corporate import actions_book
from trading.ledger.differences import differences_note, has_open, unconfirmed
from trading.ledger.journal import account_journal
from trading.ledger.models import AccountBook, TradeDate
from trading.ledger.opening import Balance, balance_missing, books_open
from trading.orders.intake import AccountSnapshot
from trading.orders.intake.comparison import compare_orders
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.states import TERMINAL, broker_status

logger = logging.getLogger(__name__)

#: Ex-dates come with the day's static data; without them for so long, what they would explain is raised.
STATIC_DATA_PATIENCE = timedelta(minutes=15)
#: Noting one takes a row, an audit event and an alert while the book is held; of a flood the first say enough.
MOST_NOTED = 50
_KINDS = frozenset(DifferenceKind)


class Verdict(Enum):
    """What a round says about an account's books. UNDECIDED: nothing yet."""

    AGREE = auto()
    DIFFER = auto()
    UNDECIDED = auto()


class BookCheck:
    """The comparison of one host's accounts.

    Parameters
    ----------
    reading
        The host's market clock; while it is None nothing is compared.
    """

    def __init__(
        self,
        *,
        config: RuntimeConfig,
        reading: Callable[[], ClockReading | None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._reading = reading
        self._sleep = sleep

    def check(
        self,
        account: BrokerAccount,
        snapshot: AccountSnapshot,
        *,
        session_key: str,
        again: Callable[[], AccountSnapshot],
    ) -> Verdict:
        """Compare one account after `snapshot` was applied.

        Parameters
        ----------
        again
            Asks for another full round and applies it. Raises `QmtError`.

        Raises
        ------
        QueryFailed
            Asking again gave no answer; nothing is noted.
        """
        reading = self._reading()
        if reading is None or snapshot.asset is None or snapshot.positions is None:
            return Verdict.UNDECIDED
        book = AccountBook.objects.filter(pk=account.pk).first()
        if book is None or book.ledger_since is None:
            return self._open(account, snapshot, reading.trade_date, again)
        if not statics_known(account, reading.trade_date):
            logger.info("account %s: the day's ex-dates are not known yet, nothing is compared", account.pk)
            return Verdict.UNDECIDED
        findings = self._compare(account, snapshot, reading.trade_date, session_key)
        confirmed = {finding.identity for finding in unconfirmed(account.pk, findings)}
        rounds = 1
        while confirmed and rounds < self._config.position_confirmations:
            self._sleep(self._config.confirmation_gap_seconds)
            snapshot = again()
            findings = self._compare(account, snapshot, reading.trade_date, session_key)
            confirmed &= {finding.identity for finding in findings}
            rounds += 1
        self._note(account, findings, confirmed, reading.trade_date)
        if not findings:
            return Verdict.AGREE
        # What did not come back alike was on its way.
        settled = all(finding.identity in confirmed for finding in unconfirmed(account.pk, findings))
        return Verdict.DIFFER if settled else Verdict.UNDECIDED

    def _compare(
        self, account: BrokerAccount, snapshot: AccountSnapshot, today: date, session_key: str
    ) -> list[Finding]:
        findings = compare_orders(account.pk, snapshot, today=today, session_key=session_key)
        if snapshot.asset is None or snapshot.positions is None:
            return findings
        with account_journal(account.pk) as journal:
            actions_book(journal, today)
            journal.flush_postings()
            return findings + compare_holdings(journal, asset=snapshot.asset, positions=snapshot.positions, today=today)

    def _note(self, account: BrokerAccount, findings: list[Finding], confirmed: set[Identity], today: date) -> None:
        if not findings and not has_open(account.pk):
            return
        unseen = {finding.identity for finding in unconfirmed(account.pk, findings)} - confirmed
        # Shares and money first: they restrain.
        noted = sorted(
            (finding for finding in findings if finding.identity not in unseen),
            key=lambda finding: finding.kind in (DifferenceKind.ORDER, DifferenceKind.FILL),
        )
        if len(noted) > MOST_NOTED:
            logger.error("account %s: %d differences, %d of them are noted now", account.pk, len(noted), MOST_NOTED)
        with account_journal(account.pk) as journal:
            differences_note(
                journal,
                confirmed=noted[:MOST_NOTED],
                seen={(finding.kind, finding.key) for finding in findings},
                kinds=_KINDS,
                today=today,
            )

    # --- opening ----------------------------------------------------------------------------

    def _open(
        self, account: BrokerAccount, snapshot: AccountSnapshot, today: date, again: Callable[[], AccountSnapshot]
    ) -> Verdict:
        """Open the books on a balance that holds still; a busy account is asked again at the next round."""
        missing = self._missing(account, snapshot)
        if _is_busy(snapshot):
            self._sleep(self._config.confirmation_gap_seconds)
            snapshot = again()
            if self._missing(account, snapshot) != missing:
                logger.info("account %s: its figures move, the books are opened at the next round", account.pk)
                return Verdict.UNDECIDED
        if snapshot.asset is None or snapshot.positions is None:
            return Verdict.UNDECIDED
        with account_journal(account.pk) as journal:
            books_open(journal, asset=snapshot.asset, positions=snapshot.positions, today=today)
        logger.info("account %s: books opened with the balance of %s", account.pk, today)
        return Verdict.AGREE

    @staticmethod
    def _missing(account: BrokerAccount, snapshot: AccountSnapshot) -> Balance | None:
        if snapshot.asset is None or snapshot.positions is None:
            return None
        with account_journal(account.pk) as journal:
            return balance_missing(journal, asset=snapshot.asset, positions=snapshot.positions)


def statics_known(account: BrokerAccount, today: date) -> bool:
    """Whether the ex-dates of `today` are known, or have been waited for long enough."""
    known = DataSource.objects.filter(static_trade_date__isnull=False).order_by("-static_trade_date")
    latest = known.values_list("static_trade_date", flat=True).first()
    if latest is None or latest >= today:
        return True
    opened_at = TradeDate.objects.filter(account=account, date=today).values_list("opened_at", flat=True).first()
    return opened_at is not None and wall_now() - opened_at > STATIC_DATA_PATIENCE


def _is_busy(snapshot: AccountSnapshot) -> bool:
    """Whether an order works at the terminal, so that its fills may travel between the queries."""
    return any(broker_status(update.status) not in TERMINAL for update in snapshot.orders or ())
