"""Asks for money and holdings soon after an order changed, so that reservations follow the broker's own figures."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from django.db import DatabaseError, InterfaceError

from qmt.errors import QmtError
from trading.orders.runtime.database import database_thread, usable_connection

logger = logging.getLogger(__name__)


class Refresher:
    """One thread that refreshes accounts one after another, each at most once per `gap_seconds`.

    What fails is dropped: the next change, or the next reconciliation, asks again.
    """

    def __init__(self, refresh: Callable[[int], None], *, gap_seconds: float = 0.5) -> None:
        self._refresh = refresh
        self._gap_seconds = gap_seconds
        self._wanted: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._condition = threading.Condition()
        self._stopping = False
        self._thread = database_thread(self._run, name="refresher")

    def start(self) -> None:
        self._thread.start()

    def want(self, account_ids: Iterable[int]) -> None:
        """Refresh these accounts as soon as their gap allows."""
        with self._condition:
            for account_id in account_ids:
                due = self._last.get(account_id, 0.0) + self._gap_seconds
                self._wanted.setdefault(account_id, max(time.monotonic(), due))
            self._condition.notify_all()

    def stop(self, timeout_seconds: float) -> None:
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while (account_id := self._next()) is not None:
            try:
                with usable_connection():
                    self._refresh(account_id)
            except (QmtError, DatabaseError, InterfaceError) as error:
                logger.info("account %s could not be refreshed: %s", account_id, error)
            except Exception:
                logger.exception("account %s could not be refreshed", account_id)

    def _next(self) -> int | None:
        with self._condition:
            while not self._stopping:
                now = time.monotonic()
                for account_id, due in self._wanted.items():
                    if due <= now:
                        del self._wanted[account_id]
                        self._last[account_id] = now
                        return account_id
                pause = min(self._wanted.values()) - now if self._wanted else None
                self._condition.wait(pause)
            return None
