"""The lease on a host: two processes never own one host's order session.

The lease is two columns of `HostStatus`, moved by conditional UPDATEs under database time.
The holder also keeps the time left on its own monotonic clock, counted from *before* the
renewal was asked for, so that a slow database or a stopped process (SIGSTOP) makes the lease
look shorter, never longer.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from accounts.choices import SessionState
from accounts.models import BrokerAccount, HostStatus, QmtHost
from ops import audit
from ops.clocks import database_now


def holder_name() -> str:
    """A name for this process that no other process, and no later one, has."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(6)}"


class HostLease:
    """One process's claim on one host."""

    def __init__(
        self,
        host: QmtHost,
        *,
        seconds: float,
        holder: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = host
        self.holder = holder or holder_name()
        self._seconds = seconds
        self._monotonic = monotonic
        self._valid_until = 0.0
        self._lock = Lock()

    def seconds_left(self) -> float:
        """Time this process may still act as the owner; 0 without a lease."""
        return max(0.0, self._valid_until - self._monotonic())

    @property
    def held(self) -> bool:
        return self.seconds_left() > 0.0

    def acquire(self) -> bool:
        """Take the lease if it is free, expired, or ours already.

        Taking it over from another holder raises the epoch of every account of the host in the
        same transaction: what the former owner accepted or claimed loses its authority.

        Returns
        -------
        bool
            Whether this process owns the host now.
        """
        with self._lock:
            started = self._monotonic()
            with transaction.atomic():
                now = database_now()
                row = HostStatus.objects.filter(host=self.host)
                former = row.values_list("lease_holder", flat=True).first()
                if former is None:
                    HostStatus.objects.get_or_create(host=self.host)
                    former = ""
                free = (
                    Q(lease_holder=self.holder)
                    | Q(lease_holder="")
                    | Q(lease_until__isnull=True)
                    | Q(lease_until__lt=now)
                )
                changes: dict[str, Any] = {
                    "lease_holder": self.holder,
                    "lease_until": now + timedelta(seconds=self._seconds),
                }
                if former != self.holder:
                    # What the former owner said of its session is not true of ours.
                    changes["session_state"] = SessionState.CONNECTING
                taken = row.filter(free, lease_holder=former).update(**changes)
                if not taken:
                    return False
                if former not in ("", self.holder):
                    self._revoke_former(former)
            self._valid_until = started + self._seconds
            return True

    def renew(self) -> bool:
        """Extend the lease; False, and no time left, when somebody else has it."""
        with self._lock:
            started = self._monotonic()
            until = database_now() + timedelta(seconds=self._seconds)
            kept = HostStatus.objects.filter(host=self.host, lease_holder=self.holder).update(lease_until=until)
            self._valid_until = started + self._seconds if kept else 0.0
            return bool(kept)

    def release(self) -> None:
        """Give the lease back; a lease that somebody else took over is left alone."""
        with self._lock:
            self._valid_until = 0.0
            HostStatus.objects.filter(host=self.host, lease_holder=self.holder).update(
                lease_holder="", lease_until=None
            )

    def _revoke_former(self, former: str) -> None:
        BrokerAccount.objects.filter(host=self.host).update(epoch=F("epoch") + 1)
        audit.record(
            actor=audit.Actor(kind="system", id="trade-worker", label=self.holder),
            action="host.lease_taken",
            target=f"host:{self.host.name}",
            before={"holder": former},
            after={"holder": self.holder},
        )
