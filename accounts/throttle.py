"""Counting failures to prove who one is, and refusing more after too many.

Counters are rows, so they hold over all web processes and restarts. The keys are
digests: the table shall not collect what people mistype into the name field.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from django.db.models import F

from accounts.models import LoginThrottle
from ops.clocks import wall_now

WINDOW = timedelta(minutes=5)
#: Failures within the window. The pair stops guessing one person's password from one
#: place; a place that tries many names is stopped by its own count. There is no limit
#: per name alone: anybody could lock anybody out.
MAX_PER_PAIR = 10
MAX_PER_ADDRESS = 50
#: Codes are short, and only who knows the password already gets to guess them: here
#: the person alone is the key, from wherever the guesses come.
MAX_CODES_PER_PERSON = 10


def key(*parts: str) -> str:
    """The name of a counter."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def password_limits(address: str, username: str) -> dict[str, int]:
    """Counters of a password attempt, with their limits."""
    return {pair_key(address, username): MAX_PER_PAIR, key("address", address): MAX_PER_ADDRESS}


def code_limits(user_id: int) -> dict[str, int]:
    """Counters of an attempt at a second factor."""
    return {key("code", str(user_id)): MAX_CODES_PER_PERSON}


def pair_key(address: str, username: str) -> str:
    """Counter of one place and one name."""
    return key("pair", address, username.casefold())


def is_throttled(limits: Mapping[str, int]) -> bool:
    """Whether any of these counters is full."""
    rows = LoginThrottle.objects.filter(key__in=limits, started_at__gt=wall_now() - WINDOW)
    return any(row.failures >= limits[row.key] for row in rows)


def count_failure(limits: Mapping[str, int]) -> None:
    """Count one failure on each of these counters."""
    now = wall_now()
    for name in limits:
        LoginThrottle.objects.get_or_create(key=name, defaults={"started_at": now})
        fresh = LoginThrottle.objects.filter(key=name, started_at__gt=now - WINDOW)
        if not fresh.update(failures=F("failures") + 1):
            LoginThrottle.objects.filter(key=name).update(started_at=now, failures=1)
    LoginThrottle.objects.filter(started_at__lte=now - WINDOW * 10).delete()


def forgive(*names: str) -> None:
    """Forget the failures of these counters."""
    LoginThrottle.objects.filter(key__in=names).delete()
