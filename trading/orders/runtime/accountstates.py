"""How each account of the host stands in its order session: followed, reconciled, answering. One row each.

Orders of an account that is not READY here are not sent, whatever the session itself does. Used by the session's
thread and asked by the senders.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.choices import SessionState
from accounts.models import AccountSession, BrokerAccount
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.clocks import wall_now

logger = logging.getLogger(__name__)

#: A row says when its account last answered; it is not written more often than this.
PROBE_WRITE_SECONDS = 5.0


@dataclass(slots=True)
class _Known:
    state: SessionState
    message: str
    failures: int = 0
    probe_written_at: float = 0.0


class AccountStates:
    """The states of one host's accounts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[int, _Known] = {}

    def blocked(self, account_id: int) -> str:
        """Why nothing may be sent for the account now; empty when it may."""
        with self._lock:
            known = self._known.get(account_id)
        if known is None:
            return "not reconciled yet"
        return "" if known.state == SessionState.READY else f"{known.state}: {known.message}"

    def is_ready(self, account_id: int) -> bool:
        """Whether the account's orders may be sent."""
        return not self.blocked(account_id)

    def begin(self) -> None:
        """A new session begins: nothing of the former one counts."""
        with self._lock:
            self._known.clear()

    def set(self, account: BrokerAccount, state: SessionState, message: str = "") -> None:
        """Note a state, and tell people when an account alone is in trouble, or is out of it."""
        message = message[:400]
        with self._lock:
            known = self._known.get(account.pk)
            if known is not None and (known.state, known.message) == (state, message):
                return
            self._known[account.pk] = _Known(state, message)
        fields = {"state": state, "message": message, "changed_at": wall_now()}
        AccountSession.objects.update_or_create(account=account, defaults=fields)
        key = f"account.session:{account.pk}"
        if state == SessionState.READY:
            alert_clear(key)
        elif state in (SessionState.DOWN, SessionState.SICK):
            logger.warning("account %s is %s: %s", account.pk, state, message)
            alert_raise(
                AlertKind.ACCOUNT_SESSION_DOWN,
                Severity.CRITICAL,
                format_lazy(
                    _("{account} cannot be reached at its terminal: {message}"), account=account.name, message=message
                ),
                {"state": str(state), "host": account.host.name},
                dedup_key=key,
                account_id=account.pk,
            )

    def answered(self, account_id: int) -> None:
        """The account answered a question of its own just now."""
        now = time.monotonic()
        with self._lock:
            known = self._known.get(account_id)
            if known is None:
                return
            known.failures = 0
            if known.probe_written_at and now - known.probe_written_at < PROBE_WRITE_SECONDS:
                return
            known.probe_written_at = now
        AccountSession.objects.filter(account_id=account_id).update(last_probe_at=wall_now())

    def failed(self, account_id: int) -> int:
        """The account did not answer; how often in a row."""
        with self._lock:
            known = self._known.get(account_id)
            if known is None:
                return 0
            known.failures += 1
            return known.failures
