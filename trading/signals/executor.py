"""The loop over live signals: from rows, most urgent first; one that fails never stops the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet

from trading.signals.choices import LIVE, SignalState
from trading.signals.market import Quotes
from trading.signals.models import Signal
from trading.signals.services.execution import signal_step

logger = logging.getLogger(__name__)


class Executor:
    """Carries out signals. Several threads may call it; a signal is stepped by one at a time.

    Parameters
    ----------
    quotes
        Where newest quotes come from.
    """

    def __init__(self, quotes: Quotes) -> None:
        self._quotes = quotes
        self._stepping = threading.Lock()
        self.failures = 0

    def round(self) -> int:
        """Look after every live signal once; returns how many there are.

        Raises
        ------
        django.db.DatabaseError
            The database is away; the next round goes on.
        """
        return self._step(list(_live().values_list("pk", flat=True)))

    def begin(self, signals: Iterable[Signal]) -> None:
        """Carry out what was just detected, without waiting for the next round."""
        fresh = [signal for signal in signals if signal.state == SignalState.DETECTED]
        self._step([signal.pk for signal in sorted(fresh, key=lambda signal: (signal.priority, signal.pk))])

    def _step(self, ids: list[int]) -> int:
        for pk in ids:
            try:
                with self._stepping:
                    self._step_one(pk)
            except (DatabaseError, InterfaceError):
                raise
            except Exception:
                self.failures += 1
                logger.exception("signal %s could not be carried out", pk)
        return len(ids)

    def _step_one(self, pk: int) -> None:
        # Read here, not before: another thread may have stepped it meanwhile.
        signal = _live().filter(pk=pk).first()
        if signal is not None:
            signal_step(signal, self._quotes)


def _live() -> QuerySet[Signal]:
    rows = Signal.objects.filter(state__in=LIVE)
    return rows.select_related("account__host__status", "account__host__fed_from", "plan_version").order_by(
        "priority", "pk"
    )
