"""Finding audit events: filters, pages by key, and texts that are safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from ops.audit import DATABASE
from ops.models import AuditEvent

EXPORT_CHUNK = 500
COLUMNS = (
    "id",
    "at",
    "chain",
    "sequence",
    "actor_kind",
    "actor_id",
    "actor",
    "action",
    "target",
    "account",
    "before",
    "after",
    "request_id",
    "hash",
)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to look for; unset parts match everything.

    Attributes
    ----------
    actor
        Part of the actor's name, or exactly its id.
    action
        A whole action, or its beginning up to a dot (`account.`).
    target
        Exactly one object (`account:3`), or all of a kind (`account:`).
    since, until
        Wall clock; `until` is not included.
    text
        Part of anything written in the event.
    """

    actor: str = ""
    action: str = ""
    target: str = ""
    account: int | None = None
    request_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""


def audit_search(wanted: AuditFilter) -> QuerySet[AuditEvent]:
    """Matching events, newest first. Page by id: rows are only ever added."""
    rows = AuditEvent.objects.using(DATABASE).order_by("-id")
    if wanted.actor:
        rows = rows.filter(Q(actor_label__icontains=wanted.actor) | Q(actor_id=wanted.actor))
    if wanted.action:
        prefix = wanted.action.endswith(".")
        rows = rows.filter(**{"action__startswith" if prefix else "action": wanted.action})
    if wanted.target:
        prefix = wanted.target.endswith(":")
        rows = rows.filter(**{"target__startswith" if prefix else "target": wanted.target})
    if wanted.account is not None:
        rows = rows.filter(account_id=wanted.account)
    if wanted.request_id:
        rows = rows.filter(request_id=wanted.request_id)
    if wanted.since is not None:
        rows = rows.filter(at__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(at__lt=wanted.until)
    if wanted.text:
        rows = rows.annotate(
            before_text=Cast("before", TextField()),
            after_text=Cast("after", TextField()),
        ).filter(_anywhere(wanted.text))
    return rows


def _anywhere(text: str) -> Q:
    found = Q()
    for column in ("actor_label", "action", "target", "request_id", "before_text", "after_text"):
        found |= Q(**{f"{column}__icontains": text})
    escaped = json.dumps(text)[1:-1]
    if escaped != text:
        # SQLite keeps JSON as it was written: other than ASCII stands as \uXXXX.
        found |= Q(before_text__icontains=escaped) | Q(after_text__icontains=escaped)
    return found


def export_chunk(rows: QuerySet[AuditEvent], below_id: int | None) -> list[AuditEvent]:
    """The next events of an export, newest first; empty at the end."""
    if below_id is not None:
        rows = rows.filter(pk__lt=below_id)
    return list(rows[:EXPORT_CHUNK])


def event_view(event: AuditEvent) -> dict[str, Any]:
    """An event as the API shows it."""
    return {
        "id": event.pk,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "chain": event.chain,
        "sequence": event.sequence,
        "actor_kind": event.actor_kind,
        "actor_id": event.actor_id,
        "actor": event.actor_label,
        "action": event.action,
        "target": event.target,
        "account": event.account_id,
        "before": event.before,
        "after": event.after,
        "request_id": event.request_id,
        "hash": event.hash,
    }


def json_lines(events: Iterable[AuditEvent]) -> str:
    """One JSON object per line."""
    return "".join(json.dumps(event_view(event), ensure_ascii=False) + "\n" for event in events)


def csv_lines(events: Iterable[AuditEvent], *, head: bool = False) -> str:
    """Rows for a spreadsheet; the first call writes the head."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if head:
        writer.writerow(COLUMNS)
    for event in events:
        view = event_view(event)
        writer.writerow([csv_safe(_cell(view[column])) for column in COLUMNS])
    return out.getvalue()


def csv_safe(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula.

    A cell that begins with ``= + - @``, a tab or a line break (also behind blanks, and in their full-width
    forms) gets an apostrophe in front, as OWASP advises (CSV injection).
    """
    bare = text.lstrip(" \u3000\ufeff")
    return f"'{text}" if bare.startswith(_FORMULA) else text


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def changes(before: Any, after: Any) -> list[dict[str, Any]]:
    """What changed, field by field: added, removed, changed. Other shapes count as one field."""
    if not isinstance(before, dict) and not isinstance(after, dict):
        return [] if before == after else [{"field": "", "before": before, "after": after}]
    old = before if isinstance(before, dict) else {}
    new = after if isinstance(after, dict) else {}
    names: Sequence[str] = [*old, *(name for name in new if name not in old)]
    return [
        {"field": name, "before": old.get(name), "after": new.get(name)}
        for name in names
        if old.get(name) != new.get(name) or (name in old) != (name in new)
    ]
