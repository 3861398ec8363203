"""Raising an alert: safe from any thread and process, and never an error of its own.

Inside a transaction the alert waits for the commit: what was rolled back did not happen. Processes
that trade call `alerts_in_background` at their start; then a thread of its own writes, and the caller
never waits for the database.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.db import close_old_connections, transaction
from django.utils.functional import Promise

from ops.alerts.store import DATABASE, Notice, clear, store
from ops.models import AlertKind, Severity

log = logging.getLogger(__name__)

WAITING_LIMIT = 1000

_Work = Callable[[], None]


def alert_raise(
    kind: AlertKind,
    severity: Severity,
    title: str | Promise,
    facts: Mapping[str, Any] | None = None,
    *,
    dedup_key: str,
    account_id: int | None = None,
    host: str = "",
) -> None:
    """Tell the people whom it concerns, once.

    Parameters
    ----------
    kind, severity
        What it is, and how urgent.
    title
        One line of plain words with the names that matter. Translatable text (`format_lazy`) is kept in every
        language of the portal.
    facts
        Plain values; texts are cut and cleaned of control characters. Never secrets.
    dedup_key
        Names the condition (`order.unknown:<id>`): as long as one alert of this key is open, and for
        `DESK_ALERT_WINDOW_SECONDS` after it was closed, repeats only raise its count.
    account_id, host
        Whom it concerns: see `ops.models.Alert`.

    Notes
    -----
    Never raises and, in the background mode, never waits. An alert that cannot be stored is
    in the log.
    """
    try:
        notice = Notice.make(kind, severity, title, facts or {}, dedup_key, account_id, host)
        _after_commit(partial(_store, notice))
    except Exception:
        log.exception("an alert could not be raised: %r", (kind, dedup_key))


def alert_clear(dedup_key: str) -> None:
    """The condition is over: its open alert is closed. Never raises; nothing to do without one."""
    try:
        _after_commit(partial(_clear, dedup_key))
    except Exception:
        log.exception("an alert could not be cleared: %r", dedup_key)


def _after_commit(work: _Work) -> None:
    if transaction.get_connection(DATABASE).in_atomic_block:
        transaction.on_commit(partial(_hand_over, work), using=DATABASE, robust=True)
    else:
        _hand_over(work)


def _hand_over(work: _Work) -> None:
    background = _background
    if background is None:
        work()
    else:
        background.put(work)


def _store(notice: Notice) -> None:
    try:
        store(notice)
    except Exception:
        log.exception("an alert could not be stored: %s %s", notice.kind, notice.title)


def _clear(dedup_key: str) -> None:
    try:
        clear(dedup_key)
    except Exception:
        log.exception("an alert could not be cleared: %r", dedup_key)


class _Background:
    """One thread that writes what the others hand over, in order."""

    def __init__(self, limit: int = WAITING_LIMIT) -> None:
        self._queue: queue.Queue[_Work | None] = queue.Queue(maxsize=limit)
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self._thread.start()

    def put(self, work: _Work) -> None:
        try:
            self._queue.put_nowait(work)
        except queue.Full:
            log.error("too many alerts wait; one was dropped: %r", work)

    def stop(self, timeout_seconds: float) -> None:
        try:
            self._queue.put(None, timeout=timeout_seconds)
        except queue.Full:
            return
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            close_old_connections()
            work()
            close_old_connections()


_background: _Background | None = None


def alerts_in_background() -> None:
    """From now on this process writes its alerts on a thread of its own."""
    global _background
    if _background is None:
        _background = _Background()


def alerts_directly(timeout_seconds: float = 2.0) -> None:
    """Write what waits, and write on the caller's thread again."""
    global _background
    background, _background = _background, None
    if background is not None:
        background.stop(timeout_seconds)
