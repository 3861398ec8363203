"""The audit trail: who decided what, provably in this order.

There is one hash chain per broker account and one for the platform: a single chain
would make every writer wait for every other. An event's hash covers its whole
content and the hash of the event before it, so changing, removing or inserting a
row breaks the chain at a place that `chains_verify` can name. The head row also
gives away a removed end.

`record` belongs into the transaction that makes the change, as its last statement:
it holds the chain's head until the commit. A transaction that writes to several
chains takes the accounts in ascending order and the platform last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import CharField

from ops.clocks import wall_now
from ops.models import AuditChain, AuditEvent
from ops.prepared import Prepared
from ops.requests import current_request_id

PLATFORM_CHAIN = "platform"
GENESIS_HASH = "0" * 64
DATABASE = "default"

ActorKind = Literal["user", "token", "system"]
_ACTOR_KINDS = frozenset({"user", "token", "system"})


class AuditError(RuntimeError):
    """An audited change was attempted without an actor or outside of a transaction."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, one of their tokens, or a named part of the system."""

    kind: ActorKind
    id: str
    label: str

    def __post_init__(self) -> None:
        if self.kind not in _ACTOR_KINDS or not str(self.id) or not self.label:
            raise AuditError(f"an actor needs a kind, an id and a label: {self!r}")

    @classmethod
    def system(cls, part: str) -> Actor:
        """The part of the platform that acts on its own, such as ``trade-worker``."""
        return cls(kind="system", id=part, label=part)


def chain_key(account_id: int | None) -> str:
    """Name of the chain that an event about `account_id` (or the platform) belongs to."""
    return PLATFORM_CHAIN if account_id is None else f"account:{account_id}"


def record(
    *,
    actor: Actor,
    action: str,
    target: str,
    before: Any = None,
    after: Any = None,
    account_id: int | None = None,
    request_id: str = "",
) -> AuditEvent:
    """Append one event to its chain, inside the caller's transaction.

    Parameters
    ----------
    actor
        Who decided it.
    action
        What was done, ``entity.verb_past`` (``account.halted``).
    target
        What it was done to, ``entity:id``.
    before, after
        The facts that changed; anything JSON can say, plus Decimal, dates, UUIDs
        and enums. Floats are kept as text: databases spell them differently.
    request_id
        By default the id of the HTTP request being served.

    Raises
    ------
    AuditError
        Without an actor, or outside of a transaction.
    """
    if not isinstance(actor, Actor):
        raise AuditError(f"{action}: an audited change needs an actor")
    if not transaction.get_connection(DATABASE).in_atomic_block:
        raise AuditError(f"{action}: the audit event belongs into the change's transaction")
    key = chain_key(account_id)
    head = _locked_head(key)
    event = AuditEvent(
        chain=key,
        sequence=head.last_sequence + 1,
        at=wall_now(),
        actor_kind=actor.kind,
        actor_id=_clean_text(str(actor.id), 64),
        actor_label=_clean_text(actor.label, 200),
        action=_clean_text(action, 80),
        target=_clean_text(target, 200),
        account_id=account_id,
        before=_plain(before),
        after=_plain(after),
        request_id=_clean_text(request_id or current_request_id(), 64),
        previous_hash=head.last_hash,
    )
    event.hash = event_hash(event)
    event.save(using=DATABASE, force_insert=True)
    AuditChain.objects.using(DATABASE).filter(pk=key).update(last_sequence=event.sequence, last_hash=event.hash)
    return event


_HEAD = Prepared(lambda key: AuditChain.objects.select_for_update().filter(pk=key), CharField())


def _locked_head(key: str) -> AuditChain:
    """The chain's head, ours until the transaction ends.

    PostgreSQL locks the row. SQLite has locked the whole database already, because
    its transactions begin IMMEDIATE; the unique (chain, sequence) is the last guard.
    """
    head = _HEAD.first(key)
    if head is None:
        made = AuditChain(key=key, last_hash=GENESIS_HASH)
        AuditChain.objects.using(DATABASE).bulk_create([made], ignore_conflicts=True)
        head = _HEAD.get(key)
    return head


# ------------------------------------------------------------------------- hashing
def event_hash(event: AuditEvent) -> str:
    """SHA-256 over the previous hash and the canonical JSON of the event's content."""
    content = {
        "chain": event.chain,
        "sequence": event.sequence,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": [event.actor_kind, event.actor_id, event.actor_label],
        "action": event.action,
        "target": event.target,
        "account_id": event.account_id,
        "before": event.before,
        "after": event.after,
        "request_id": event.request_id,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{event.previous_hash}\n{text}".encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    """`value` as JSON that reads back identically from SQLite and PostgreSQL."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, (Decimal, float, UUID)):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {_clean_text(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [_plain(item) for item in items]
    raise TypeError(f"{type(value).__name__} cannot stand in an audit event")


def _clean_text(text: str, limit: int | None = None) -> str:
    """Text both databases can hold: no NUL, no lone surrogates, not over `limit`."""
    clean = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return clean if limit is None else clean[:limit]


# ------------------------------------------------------------------------ verifying
@dataclass(frozen=True, slots=True)
class ChainReport:
    """Outcome for one chain. `sequence` and `problem` are set when it is broken."""

    chain: str
    events: int
    sequence: int | None = None
    problem: str = ""

    @property
    def intact(self) -> bool:
        return not self.problem


def chains_verify() -> Iterator[ChainReport]:
    """Prove every chain, or name its first broken link. Reads only; writers may go on."""
    heads = AuditChain.objects.using(DATABASE).values_list("key", flat=True)
    events = AuditEvent.objects.using(DATABASE).order_by().values_list("chain", flat=True)
    for key in sorted({*heads, *events.distinct()}):
        yield chain_verify(key)


def chain_verify(key: str) -> ChainReport:
    """Walk one chain from its first event to its head."""
    head = _head(key)
    count, previous = 0, GENESIS_HASH
    hash_at_head = GENESIS_HASH
    events = AuditEvent.objects.using(DATABASE).filter(chain=key).order_by("sequence")
    for event in events.iterator(chunk_size=2000):
        problem = _broken_link(event, count + 1, previous)
        if problem:
            return ChainReport(key, count, count + 1, problem)
        count, previous = event.sequence, event.hash
        if head is not None and count == head.last_sequence:
            hash_at_head = previous
    at, problem = _broken_head(key, head, count, hash_at_head)
    return ChainReport(key, count, at if problem else None, problem)


def _broken_link(event: AuditEvent, expected: int, previous: str) -> str:
    if event.sequence != expected:
        return "the event is missing"
    if event.previous_hash != previous:
        return f"previous_hash is {event.previous_hash}, the event before it has {previous}"
    computed = event_hash(event)
    if computed != event.hash:
        return f"the content hashes to {computed}, stored is {event.hash}"
    return ""


def _broken_head(key: str, head: AuditChain | None, count: int, hash_at_head: str) -> tuple[int, str]:
    """Where and what the head row, read before the events, says against them."""
    if head is None:
        return count, "" if _head(key) is not None else "the chain's head row is missing"
    if head.last_sequence > count:
        return count + 1, f"the event is missing: the head ends at {head.last_sequence}"
    if head.last_hash != hash_at_head:
        return head.last_sequence, f"the head has {head.last_hash}, its event {hash_at_head}"
    if head.last_sequence < count:
        # Events were appended while we read; each came with a newer head.
        newer = _head(key)
        if newer is None or newer.last_sequence < count:
            return head.last_sequence + 1, f"the head ends at {head.last_sequence}, the events go on"
    return count, ""


def _head(key: str) -> AuditChain | None:
    return AuditChain.objects.using(DATABASE).filter(pk=key).first()
