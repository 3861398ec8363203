"""Writing entries: the one way into the ledger, inside the account's journal.

Entries of one transaction are written together when the journal closes: the lines, the sums per
instrument and per owner, and the account's money. The same reference is never entered twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from trading.ledger.averages import Figures, Line, take
from trading.ledger.choices import FEES, EntryKind
from trading.ledger.fields import ZERO
from trading.ledger.models import AccountBook, LedgerEntry, LedgerPosition, OwnerPosition

_COLUMNS: Final = tuple(field.name for field in dataclasses.fields(Figures))
_CHUNK: Final = 400

Row = TypeVar("Row", LedgerPosition, OwnerPosition)


@dataclass(frozen=True, slots=True)
class Posting:
    """One entry to be written.

    Attributes
    ----------
    reference
        Names what is recorded (``trade:17``); with the kind it is unique in the account.
    quantity, cash
        Signed: what comes in is positive.
    user_id, strategy
        Whose order led to it; neither for what nobody's order led to.
    created_by_id
        Who entered it by hand.
    """

    trade_date: date
    kind: EntryKind
    reference: str
    symbol: str = ""
    side: str = ""
    quantity: int = 0
    price: Decimal | None = None
    cash: Decimal = ZERO
    user_id: int | None = None
    strategy: str = ""
    rule: str = ""
    note: str = ""
    created_by_id: int | None = None

    @property
    def line(self) -> Line:
        """What moves figures."""
        return Line(self.trade_date, self.kind, self.side, self.quantity, self.price, self.cash)

    @property
    def owner(self) -> str:
        """Person and strategy as one key."""
        return owner_key(self.user_id, self.strategy)


def owner_key(user_id: int | None, strategy: str) -> str:
    """The key of a person's part under one strategy; ``-:`` is nobody's."""
    return f"{'-' if user_id is None else user_id}:{strategy}"


def write(book: AccountBook, postings: Sequence[Posting], at: datetime) -> dict[str, Any]:
    """Store the postings with the sums they lead to; the caller holds the book.

    Returns
    -------
    dict
        The columns of the book that change with them.

    Raises
    ------
    IntegrityError
        One of them is entered already. Nothing of the transaction stays.
    """
    wanted = [posting for posting in postings if posting.quantity or posting.cash]
    if not wanted:
        return {}
    symbols = sorted({posting.symbol for posting in wanted if posting.symbol})
    whole = _load(LedgerPosition, book.pk, symbols, key=lambda row: ("", row.symbol))
    parts = _load(OwnerPosition, book.pk, symbols, key=lambda row: (row.owner, row.symbol))
    rows = []
    for posting in wanted:
        realised = _take(whole, ("", posting.symbol), posting)
        own = _take(parts, (posting.owner, posting.symbol), posting)
        rows.append(_entry(book.pk, posting, at, realised, own))
    LedgerEntry.objects.bulk_create(rows)
    touched = {("", posting.symbol) for posting in wanted if posting.symbol}
    _save(LedgerPosition, [_position(book.pk, key, whole[key]) for key in sorted(touched)], ("account", "symbol"))
    owners = {(posting.owner, posting.symbol): posting for posting in wanted if posting.symbol}
    owned = [_owned(book.pk, posting, parts[key]) for key, posting in sorted(owners.items())]
    _save(OwnerPosition, owned, ("account", "owner", "symbol"))
    fees = sum((abs(posting.cash) for posting in wanted if posting.kind in FEES), ZERO)
    return {
        "ledger_cash": book.ledger_cash + sum((posting.cash for posting in wanted), ZERO),
        "estimated_fees": book.estimated_fees + fees,
    }


def _take(figures: dict[tuple[str, str], Figures], key: tuple[str, str], posting: Posting) -> Decimal:
    if not posting.symbol:
        return take(Figures(), posting.line)[1]
    figures[key], gain = take(figures.get(key, Figures()), posting.line)
    return gain


def _load(model: type[Row], account_id: int, symbols: Sequence[str], *, key: Any) -> dict[tuple[str, str], Figures]:
    found: dict[tuple[str, str], Figures] = {}
    for start in range(0, len(symbols), _CHUNK):
        rows = model.objects.filter(account_id=account_id, symbol__in=symbols[start : start + _CHUNK])
        found |= {key(row): figures_of(row) for row in rows}
    return found


def figures_of(row: LedgerPosition | OwnerPosition) -> Figures:
    """The row's figures."""
    return Figures(**{name: getattr(row, name) for name in _COLUMNS})


def _columns(figures: Figures) -> Mapping[str, Any]:
    return {name: getattr(figures, name) for name in _COLUMNS}


def _position(account_id: int, key: tuple[str, str], figures: Figures) -> LedgerPosition:
    return LedgerPosition(account_id=account_id, symbol=key[1], **_columns(figures))


def _owned(account_id: int, posting: Posting, figures: Figures) -> OwnerPosition:
    return OwnerPosition(
        account_id=account_id,
        owner=posting.owner,
        user_id=posting.user_id,
        strategy=posting.strategy,
        symbol=posting.symbol,
        **_columns(figures),
    )


def _save(model: type[Row], rows: Iterable[Row], key: Sequence[str]) -> None:
    model.objects.bulk_create(list(rows), update_conflicts=True, unique_fields=list(key), update_fields=list(_COLUMNS))


def _entry(account_id: int, posting: Posting, at: datetime, realised: Decimal, own: Decimal) -> LedgerEntry:
    return LedgerEntry(
        account_id=account_id,
        trade_date=posting.trade_date,
        kind=posting.kind,
        symbol=posting.symbol,
        side=posting.side,
        quantity=posting.quantity,
        price=posting.price,
        cash=posting.cash,
        realised=realised,
        realised_own=own,
        user_id=posting.user_id,
        strategy=posting.strategy,
        reference=posting.reference,
        rule=posting.rule[:80],
        note=posting.note[:400],
        created_by_id=posting.created_by_id,
        at=at,
    )
