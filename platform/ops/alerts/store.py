"""The rows of alerts: folding repeats, opening, clearing; and telling everybody who listens."""

from __future__ import annotations

import logging
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F
from django.utils import translation
from django.utils.functional import Promise

from ops.clocks import wall_now
from ops.models import Alert, AlertKind, Severity
from ops.publish import publish

log = logging.getLogger(__name__)

DATABASE = "default"
#: Of scripts, logs and receivers; the other languages are kept beside it.
ENGLISH = "en"
CHANNEL = "alerts"
ROUTE_TASK = "alerts.route"
WAKE_EXPIRES_SECONDS = 60
TITLE_LIMIT = 200
FACT_LIMIT = 400
FACTS_LIMIT = 30
ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Notice:
    """One raised alert, cleaned for storage."""

    kind: str
    severity: Severity
    title: str
    titles: dict[str, str]
    facts: dict[str, Any]
    dedup_key: str
    account_id: int | None
    host: str
    at: datetime

    @classmethod
    def make(
        cls,
        kind: AlertKind,
        severity: Severity,
        title: str | Promise,
        facts: Mapping[str, Any],
        dedup_key: str,
        account_id: int | None,
        host: str,
    ) -> Self:
        """Clean and bound everything that came from outside."""
        kept = list(facts.items())[:FACTS_LIMIT]
        return cls(
            kind=str(AlertKind(kind)),
            severity=Severity(severity),
            title=_title(title, ENGLISH),
            titles={code: _title(title, code) for code, _name in settings.LANGUAGES if code != ENGLISH}
            if isinstance(title, Promise)
            else {},
            facts={one_line(str(name), 40): _fact(value) for name, value in kept},
            dedup_key=one_line(dedup_key, 200),
            account_id=account_id,
            host=one_line(host, 64),
            at=wall_now(),
        )


def one_line(text: str, limit: int) -> str:
    """`text` on one line: control and direction-changing characters become spaces."""
    clean = "".join(" " if unicodedata.category(char) in _UNPRINTABLE else char for char in text)
    clean = clean.encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


#: Control, format (bidirectional overrides), surrogate, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _title(title: str | Promise, language: str) -> str:
    with translation.override(language):
        return one_line(str(title), TITLE_LIMIT)


def _fact(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, Decimal):
        return format(value, "f")
    return one_line(str(value), FACT_LIMIT)


def store(notice: Notice) -> Alert:
    """Open an alert, or count the repeat of one; wake whoever delivers and whoever watches.

    A race with another process (both open the same key) and a busy database are tried again.
    """
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(using=DATABASE):
                alert, news = _fold(notice) or (_open(notice), True)
            break
        except (IntegrityError, OperationalError):
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.05 * 2**attempt)
    publish(CHANNEL, {"id": alert.pk})
    if news:
        wake(alert.pk)
    return alert


def _open(notice: Notice) -> Alert:
    return Alert.objects.create(
        kind=notice.kind,
        severity=notice.severity,
        title=notice.title,
        titles=notice.titles,
        facts=notice.facts,
        dedup_key=notice.dedup_key,
        account_id=notice.account_id,
        host=notice.host,
        first_at=notice.at,
        last_at=notice.at,
        notified_at=notice.at,
    )


def _fold(notice: Notice) -> tuple[Alert, bool] | None:
    """Count a repeat on the open alert of its key, or on one closed within the window; None without either.

    The second value says whether people are told again: the condition goes on for longer than
    the window, or has become worse.
    """
    window = timedelta(seconds=settings.ALERT_WINDOW_SECONDS)
    rows = Alert.objects.select_for_update().filter(dedup_key=notice.dedup_key)
    alert = rows.filter(closed_at=None).first()
    if alert is None:
        alert = rows.filter(closed_at__gt=notice.at - window).order_by("-closed_at").first()
    if alert is None:
        return None
    worse = notice.severity.rank > Severity(alert.severity).rank
    if alert.closed_at is not None and worse:
        return None
    changes: dict[str, Any] = {"count": F("count") + 1, "last_at": notice.at, "facts": notice.facts}
    if alert.closed_at is not None and alert.acknowledged_at is None:
        # It had cleared and is back: shown again, but nobody is told about every flap.
        changes |= {"closed_at": None, "cleared_at": None}
    news = alert.closed_at is None and (worse or notice.at - alert.notified_at >= window)
    if worse:
        changes["severity"] = notice.severity
    if news:
        changes |= {
            "notices": F("notices") + 1,
            "notified_at": notice.at,
            "title": notice.title,
            "titles": notice.titles,
        }
    Alert.objects.filter(pk=alert.pk).update(**changes)
    alert.refresh_from_db()
    return alert, news


def clear(dedup_key: str) -> bool:
    """Close the open alert of a condition that is over; False when there is none."""
    now = wall_now()
    row = Alert.objects.filter(dedup_key=dedup_key, closed_at=None)
    pk = row.values_list("pk", flat=True).first()
    if pk is None or not row.filter(pk=pk).update(cleared_at=now, closed_at=now):
        return False
    publish(CHANNEL, {"id": pk})
    return True


def wake(alert_id: int) -> None:
    """Have the core worker route the alert now. Lost wake-ups cost seconds: rows are the queue."""
    from desk.celery_app import app

    try:
        app.send_task(ROUTE_TASK, args=[alert_id], queue="core", expires=WAKE_EXPIRES_SECONDS, retry=False)
    except Exception as error:  # noqa: BLE001 - whatever the broker's client raises, the sweep comes by
        log.warning("alert %s waits for the next sweep: %s", alert_id, error)
