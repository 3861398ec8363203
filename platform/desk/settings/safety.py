"""What a production start refuses: each reason in words, all of them at once."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from django.core.exceptions import ImproperlyConfigured

from .schema import DeskConfig

TIME_ZONE = "Asia/Shanghai"
_SHANGHAI_OFFSET = timedelta(hours=8)
_KEY_LENGTH = 32
_WEAK_KEYS = ("django-insecure", "changeme", "secret", "desk-test")


def problems(config: DeskConfig, environ: dict[str, str] | os._Environ[str]) -> list[str]:
    """List why `config` must not run in production (empty elsewhere)."""
    if config.env != "production":
        return []
    found = []
    key = "" if config.secret_key is None else config.secret_key.get_secret_value()
    if not key:
        found.append("DESK_SECRET_KEY is not set")
    elif len(key) < _KEY_LENGTH or key.lower().startswith(_WEAK_KEYS) or len(set(key)) < 8:
        found.append(f"DESK_SECRET_KEY is a default or shorter than {_KEY_LENGTH} characters")
    if config.debug:
        found.append("DESK_DEBUG is on")
    if environ.get("TZ") not in (None, "", TIME_ZONE):
        found.append(f"TZ is {environ['TZ']}, the platform runs in {TIME_ZONE}")
    return found


def refuse_unsafe(config: DeskConfig) -> None:
    """Raise `ImproperlyConfigured` naming every reason against a production start."""
    found = problems(config, os.environ)
    if found:
        raise ImproperlyConfigured("Production refuses to start: " + "; ".join(found) + ".")


def local_offset_is_shanghai() -> bool:
    """Whether this process's local time is the market's (Windows ignores `TZ`)."""
    return datetime.now().astimezone().utcoffset() == _SHANGHAI_OFFSET
