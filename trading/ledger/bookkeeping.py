"""What people enter into the ledger: adjustments that settle differences, and what happened outside trading.

Administrators and risk officers only, in person and freshly re-authenticated; every entry is audited. Nothing
here can move an order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.actors import actor_for_user
from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import BrokerAccount, User
from accounts.selectors import account_get, host_clock
from accounts.sudo import Sudo
from ops import audit
from ops.clocks import SHANGHAI, wall_now
from ops.errors import Code, Conflict, Forbidden, Invalid, NotFound
from trading.ledger.choices import BY_HAND, DifferenceKind, DifferenceState, EntryKind
from trading.ledger.differences import end
from trading.ledger.entries import Posting
from trading.ledger.fields import ZERO
from trading.ledger.journal import Journal, account_journal
from trading.ledger.models import Difference, LedgerEntry, Position

#: Kinds that bring or take money only.
_MONEY = frozenset(
    {EntryKind.TRANSFER_IN, EntryKind.TRANSFER_OUT, EntryKind.DIVIDEND, EntryKind.TAX, EntryKind.INTEREST}
)
_SHARES = frozenset({EntryKind.BONUS, EntryKind.GIFT, EntryKind.ALLOTMENT})
_SIGN = {EntryKind.TRANSFER_IN: 1, EntryKind.DIVIDEND: 1, EntryKind.TRANSFER_OUT: -1, EntryKind.TAX: -1}


@dataclass(frozen=True, slots=True)
class EntryWish:
    """A well-formed entry by hand.

    Attributes
    ----------
    key
        The caller's name for it: the same key again is refused, so nothing is entered twice.
    """

    kind: EntryKind
    key: str
    note: str
    symbol: str = ""
    quantity: int = 0
    price: Decimal | None = None
    cash: Decimal = ZERO
    trade_date: date | None = None


def books_require(user: User, account_id: int, sudo: Sudo | None) -> BrokerAccount:
    """The account, for somebody who may put its books right.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    Forbidden
        PERMISSION_DENIED: traders do not explain their own differences. SUDO_REQUIRED without a fresh proof.
    """
    account = account_get(user, account_id)
    if not user.is_active or user.role not in SEES_EVERY_ACCOUNT:
        raise Forbidden(Code.PERMISSION_DENIED, account=account.pk)
    if sudo is None or sudo.user_id != user.pk or not sudo.is_fresh:
        raise Forbidden(Code.SUDO_REQUIRED)
    return account


def entry_add(*, user: User, account_id: int, sudo: Sudo | None, wish: EntryWish, request_id: str = "") -> LedgerEntry:
    """Enter what happened outside trading: a transfer, a dividend, an allotment, an adjustment.

    Raises
    ------
    NotFound, Forbidden
        As `books_require`.
    Invalid
        FIELD_INVALID: the kind and its figures do not fit together.
    Conflict
        CONFLICT: this key is entered already.
    """
    account = books_require(user, account_id, sudo)
    _check(wish)
    with account_journal(account.pk) as journal:
        entry = _enter(journal, user, wish, f"hand:{wish.key}")
        _audit(user, "ledger.entry_added", f"entry:{entry.pk}", account.pk, _facts(entry), request_id)
    return entry


def difference_resolve(
    *,
    user: User,
    account_id: int,
    difference_id: int,
    sudo: Sudo | None,
    note: str,
    kind: EntryKind = EntryKind.ADJUSTMENT,
    price: Decimal | None = None,
    request_id: str = "",
) -> Difference:
    """Settle an open difference: our books take the broker's value, with a person's reason.

    Parameters
    ----------
    kind
        What it was: an ADJUSTMENT, or what nobody had entered (a transfer, bonus shares, …).
    price
        What adjusted shares are worth; by default the broker's last price.

    Raises
    ------
    NotFound, Forbidden
        As `books_require`; NOT_FOUND for no such difference of this account.
    Conflict
        CONFLICT: it is not open any more.
    Invalid
        FIELD_INVALID: the kind does not fit the difference.
    """
    account = books_require(user, account_id, sudo)
    if not note.strip():
        raise Invalid(Code.FIELD_REQUIRED, field="note")
    with account_journal(account.pk) as journal:
        row = Difference.objects.filter(account=account, pk=difference_id).first()
        if row is None:
            raise NotFound(Code.NOT_FOUND, difference=difference_id)
        if row.state != DifferenceState.OPEN:
            raise Conflict(Code.CONFLICT, difference=row.pk, state=str(row.state))
        entry = _settling_entry(journal, user, row, kind, price, note)
        end(journal, row, DifferenceState.RESOLVED, settled_by=user, entry=entry, note=note.strip()[:400])
        facts = {"kind": str(row.kind), "subject": row.key, "ours": row.ours, "theirs": row.theirs, "note": note}
        _audit(user, "ledger.difference_resolved", f"difference:{row.pk}", account.pk, facts, request_id)
    return row


def differences_take(journal: Journal, user: User, *, trade_date: date, note: str) -> list[LedgerEntry]:
    """Enter every open difference in shares and money as an adjustment of `trade_date`; the caller holds the book.

    For the settling of a trade date that ended unseen: what happened on it cannot be asked for any more.
    """
    rows = Difference.objects.filter(
        account_id=journal.book.pk,
        state=DifferenceState.OPEN,
        kind__in=(DifferenceKind.POSITION, DifferenceKind.CASH),
    )
    entries = []
    for row in rows.order_by("pk"):
        entry = _settling_entry(journal, user, row, EntryKind.ADJUSTMENT, None, note, trade_date)
        end(journal, row, DifferenceState.RESOLVED, settled_by=user, entry=entry, note=note)
        if entry is not None:
            entries.append(entry)
    return entries


def _settling_entry(
    journal: Journal,
    user: User,
    row: Difference,
    kind: EntryKind,
    price: Decimal | None,
    note: str,
    trade_date: date | None = None,
) -> LedgerEntry | None:
    """The entry that makes our value theirs; orders and fills have none: their shares and money tell."""
    if row.kind not in (DifferenceKind.POSITION, DifferenceKind.CASH):
        return None
    delta = Decimal(row.theirs) - Decimal(row.ours)
    if row.kind == DifferenceKind.CASH:
        wish = EntryWish(kind, str(row.pk), note, cash=delta, trade_date=trade_date)
    else:
        worth = _price(row) if price is None else price
        paid = -delta * worth if kind is EntryKind.ALLOTMENT else ZERO
        wish = EntryWish(
            kind, str(row.pk), note, symbol=row.key, quantity=int(delta), price=worth, cash=paid, trade_date=trade_date
        )
    _check(wish)
    return _enter(journal, user, wish, f"difference:{row.pk}")


def _price(row: Difference) -> Decimal:
    position = Position.objects.filter(account_id=row.account_id, symbol=row.key).first()
    return ZERO if position is None else position.last_price or position.avg_price


def _enter(journal: Journal, user: User, wish: EntryWish, reference: str) -> LedgerEntry:
    account = journal.book.account
    stored = LedgerEntry.objects.filter(account=account, kind=wish.kind, reference=reference)
    if stored.exists():
        raise Conflict(Code.CONFLICT, key=wish.key, kind=str(wish.kind))
    journal.post(
        Posting(
            trade_date=wish.trade_date or _today(account),
            kind=wish.kind,
            reference=reference,
            symbol=wish.symbol,
            quantity=wish.quantity,
            price=wish.price,
            cash=wish.cash,
            note=wish.note,
            created_by_id=user.pk,
        )
    )
    journal.flush_postings()
    return stored.get()


def _today(account: BrokerAccount) -> date:
    clock = host_clock(account.host)
    return wall_now().astimezone(SHANGHAI).date() if clock is None else clock.trade_date


def _check(wish: EntryWish) -> None:
    """Refuse figures that the kind cannot have."""
    facts: Mapping[str, Any] = {"kind": str(wish.kind)}
    if wish.kind not in BY_HAND:
        raise Invalid(Code.FIELD_INVALID, field="kind", allowed=sorted(map(str, BY_HAND)), **facts)
    if not wish.key or len(wish.key) > 64 or not wish.key.isprintable():
        raise Invalid(Code.FIELD_INVALID, field="key", **facts)
    if not wish.note.strip() or len(wish.note) > 400:
        raise Invalid(Code.FIELD_REQUIRED, field="note", **facts)
    if wish.quantity and not wish.symbol:
        raise Invalid(Code.FIELD_REQUIRED, field="symbol", **facts)
    if wish.kind in _MONEY and (wish.quantity or not wish.cash):
        raise Invalid(Code.FIELD_INVALID, field="cash", **facts)
    if wish.kind in _SHARES and wish.quantity <= 0:
        raise Invalid(Code.FIELD_INVALID, field="quantity", **facts)
    if wish.kind is EntryKind.ALLOTMENT and wish.cash >= 0:
        raise Invalid(Code.FIELD_INVALID, field="cash", **facts)
    if wish.kind in (EntryKind.BONUS, EntryKind.GIFT) and wish.cash:
        raise Invalid(Code.FIELD_INVALID, field="cash", **facts)
    if wish.cash * _SIGN.get(wish.kind, 0) < 0:
        raise Invalid(Code.FIELD_INVALID, field="cash", cash=wish.cash, **facts)
    if wish.kind is EntryKind.ADJUSTMENT and not wish.quantity and not wish.cash:
        raise Invalid(Code.FIELD_REQUIRED, field="cash", **facts)
    if wish.quantity and wish.kind is EntryKind.ADJUSTMENT and wish.price is None:
        raise Invalid(Code.FIELD_REQUIRED, field="price", **facts)


def _facts(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "kind": str(entry.kind),
        "symbol": entry.symbol,
        "quantity": entry.quantity,
        "price": entry.price,
        "cash": entry.cash,
        "note": entry.note,
    }


def _audit(user: User, action: str, target: str, account_id: int, after: Mapping[str, Any], request_id: str) -> None:
    audit.record(
        actor=actor_for_user(user),
        action=action,
        target=target,
        after=dict(after),
        account_id=account_id,
        request_id=request_id,
    )
