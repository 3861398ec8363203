"""Room on the state folder's disk, in bytes: when people are told, and when no new orders are taken."""

from __future__ import annotations

from .schema import get_config

_MEGABYTE = 1_000_000

DISK_WARN_BYTES = get_config().disk_warn_mb * _MEGABYTE
DISK_STOP_BYTES = get_config().disk_stop_mb * _MEGABYTE
