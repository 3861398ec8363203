"""Asks the terminal, on each trade date, which new issues there are and what each account may subscribe."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from accounts.models import BrokerAccount
from ops.clocks import wall_now
from qmt.calendar import Phase
from qmt.errors import QmtError
from qmt.gateway import AccountRef, ClockReading, TradeGateway
from trading.ledger.newissues import issues_store, quotas_store

logger = logging.getLogger(__name__)

#: Figures may be corrected during the day; a failed round is tried again sooner.
ASK_SECONDS: Final = 600.0
RETRY_SECONDS: Final = 30.0
#: Before the session a terminal may still show yesterday's figures, after it nothing can be subscribed.
_CLOSED: Final = frozenset({Phase.CLOSED, Phase.AFTER_HOURS})


class IssueWatch:
    """Keeps the day's issues and quotas of one host. Used by the session's thread only."""

    def __init__(self, *, reading: Callable[[], ClockReading | None], timeout_seconds: float) -> None:
        self._reading = reading
        self._timeout_seconds = timeout_seconds
        self._asked: tuple[date, frozenset[int]] | None = None
        self._next_at = 0.0

    def tend(self, gateway: TradeGateway, accounts: Sequence[BrokerAccount]) -> None:
        """Ask when it is due: on a new trade date, for accounts that came up, and every so often.

        A failure is logged and tried again; it says nothing about the session, which has probes of its own.
        """
        reading = self._reading()
        if reading is None or reading.phase in _CLOSED or not accounts:
            return
        wanted = (reading.trade_date, frozenset(account.pk for account in accounts))
        if wanted == self._asked and time.monotonic() < self._next_at:
            return
        self._asked = wanted
        try:
            self._ask(gateway, accounts, reading.trade_date)
        except QmtError as error:
            logger.warning("new issues of %s could not be asked for: %s", reading.trade_date, error)
            self._next_at = time.monotonic() + RETRY_SECONDS
        else:
            self._next_at = time.monotonic() + ASK_SECONDS

    def _ask(self, gateway: TradeGateway, accounts: Sequence[BrokerAccount], day: date) -> None:
        for account in accounts:
            reference = AccountRef(account.account_no, account.account_type)
            quotas = gateway.query_ipo_limits(reference, timeout_seconds=self._timeout_seconds)
            quotas_store(account_id=account.pk, trade_date=day, quotas=quotas, at=wall_now())
        issues = gateway.query_ipo_data(timeout_seconds=self._timeout_seconds)
        count = issues_store(host_id=accounts[0].host_id, trade_date=day, issues=issues, at=wall_now())
        logger.info("new issues on %s: %d", day, count)
