"""Differences between our books and the broker's figures: noted, restraining, and gone again.

An unexplained difference in shares keeps new orders from that instrument; unexplained money halts the
account. Both are lifted by what explains them: the figures agreeing again, or a person's entry
(`trading.ledger.bookkeeping`). The halt of an account is lifted by a person only.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.choices import TradingState
from accounts.services import account_halt
from ops import audit
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.audit import Actor
from trading.ledger.choices import DifferenceKind, DifferenceState
from trading.ledger.comparison import Finding
from trading.ledger.journal import Journal
from trading.ledger.models import Difference

logger = logging.getLogger(__name__)

ACTOR: Final = Actor.system("reconciliation")
#: How restrictions of ours are told from anybody else's.
_REASON: Final = "position differs"


@dataclass(frozen=True, slots=True)
class Noted:
    """What a round of answers led to."""

    opened: Sequence[Difference]
    explained: Sequence[Difference]


def unconfirmed(account_id: int, findings: Iterable[Finding]) -> list[Finding]:
    """The findings that are not open differences yet: they have to be seen again."""
    known = {(row.kind, row.key) for row in _open(account_id)}
    return [finding for finding in findings if (finding.kind, finding.key) not in known]


def has_open(account_id: int) -> bool:
    """Whether any difference of the account is open."""
    return Difference.objects.filter(account_id=account_id, state=DifferenceState.OPEN).exists()


def differences_note(
    journal: Journal,
    *,
    confirmed: Iterable[Finding],
    seen: Collection[tuple[str, str]],
    kinds: Collection[DifferenceKind],
    today: date,
) -> Noted:
    """Open what was confirmed, refresh what is open, end what is gone; the caller holds the book.

    Parameters
    ----------
    seen
        Kind and key of everything the last round showed, confirmed or not.
    kinds
        What that round compared: an open difference of another kind is left as it is.
    """
    rows = {(row.kind, row.key): row for row in _open(journal.book.pk)}
    opened = []
    for finding in confirmed:
        row = rows.get((finding.kind, finding.key))
        if row is None:
            opened.append(_open_one(journal, finding, today))
        elif (row.ours, row.theirs) != (finding.ours, finding.theirs):
            row.ours, row.theirs, row.last_seen_at = finding.ours, finding.theirs, journal.at
            row.save(update_fields=["ours", "theirs", "last_seen_at"])
            _restrict(journal, row)
        else:
            Difference.objects.filter(pk=row.pk).update(last_seen_at=journal.at)
    explained = [row for key, row in rows.items() if row.kind in kinds and key not in seen]
    for row in explained:
        end(journal, row, DifferenceState.EXPLAINED, note="the figures agree again")
        logger.info("account %s: %s %s agrees again", row.account_id, row.kind, row.key)
    return Noted(opened, explained)


def end(journal: Journal, row: Difference, state: DifferenceState, **fields: object) -> None:
    """Close a difference and lift what it restrained; the halt of an account stays until a person lifts it."""
    row.state, row.settled_at = state, journal.at
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=["state", "settled_at", *fields])
    if row.kind == DifferenceKind.POSITION:
        restricted = dict(journal.book.restricted)
        if str(restricted.get(row.key, "")).startswith(_REASON):
            del restricted[row.key]
            journal.change_book(restricted=restricted)
    alert_clear(_alert_key(row))


def _open(account_id: int) -> list[Difference]:
    return list(Difference.objects.filter(account_id=account_id, state=DifferenceState.OPEN))


def _open_one(journal: Journal, finding: Finding, today: date) -> Difference:
    row = Difference.objects.create(
        account_id=journal.book.pk,
        kind=finding.kind,
        key=finding.key,
        ours=finding.ours,
        theirs=finding.theirs,
        trade_date=today,
        first_seen_at=journal.at,
        last_seen_at=journal.at,
    )
    facts = {"kind": str(row.kind), "subject": row.key, "ours": row.ours, "theirs": row.theirs}
    logger.error("account %s: our books and the broker differ: %s", row.account_id, facts)
    audit.record(
        actor=ACTOR,
        action="ledger.difference",
        target=f"difference:{row.pk}",
        after=facts,
        account_id=row.account_id,
    )
    _restrict(journal, row)
    if row.kind == DifferenceKind.CASH and journal.book.account.state != TradingState.HALTED:
        account_halt(
            actor=ACTOR,
            account=journal.book.account,
            reason=f"cash differs: {row.ours} here, {row.theirs} at the broker",
        )
    alert_raise(
        AlertKind.LEDGER_DIFFERENCE,
        Severity.CRITICAL if row.kind in (DifferenceKind.CASH, DifferenceKind.POSITION) else Severity.WARNING,
        format_lazy(
            _("{kind} {key}: {ours} here, {theirs} at the broker"),
            kind=DifferenceKind(row.kind).label,
            key=row.key,
            ours=row.ours,
            theirs=row.theirs,
        ),
        facts,
        dedup_key=_alert_key(row),
        account_id=row.account_id,
    )
    return row


def _restrict(journal: Journal, row: Difference) -> None:
    if row.kind == DifferenceKind.POSITION:
        reason = f"{_REASON}: {row.ours} here, {row.theirs} at the broker"
        journal.change_book(restricted={**journal.book.restricted, row.key: reason})


def _alert_key(row: Difference) -> str:
    return f"ledger.difference:{row.account_id}:{row.kind}:{row.key}"
