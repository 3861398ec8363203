"""Adding up the books again: the sums that are kept against the entries they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from accounts.models import BrokerAccount
from trading.ledger.averages import Figures, Line, take, value_from_outside
from trading.ledger.choices import EntryKind
from trading.ledger.entries import figures_of, owner_key
from trading.ledger.fields import ZERO
from trading.ledger.models import AccountBook, LedgerEntry, LedgerPosition, OwnerPosition
from trading.ledger.selectors import book_version

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """One sum that its entries do not lead to."""

    account_id: int
    subject: str
    stored: str
    entries: str

    def __str__(self) -> str:
        return f"account {self.account_id}: {self.subject} is {self.stored}, its entries say {self.entries}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What was added up, and what did not come out."""

    entries: int
    faults: list[Fault]


def ledger_verify(account: BrokerAccount) -> Verified:
    """Add up an account's books; while it trades, again until it held still.

    Checked are money, shares and figures per instrument and per owner, the shares of all owners together, and the
    double entry itself: money and cost of what is held equal what was brought in and what was realised.
    """
    for _attempt in range(_ATTEMPTS):
        before = book_version(account)
        verified = _verify(account)
        if not verified.faults or book_version(account) == before:
            break
    return verified


def _verify(account: BrokerAccount) -> Verified:
    """Add up every entry of an account again, from the first, and compare with what is kept."""
    faults: list[Fault] = []
    whole: dict[str, Figures] = {}
    parts: dict[tuple[str, str], Figures] = {}
    cash = brought = realised = ZERO
    count = 0
    rows = LedgerEntry.objects.filter(account=account).order_by("id")
    for entry in rows.iterator(chunk_size=2_000):
        line = Line(entry.trade_date, EntryKind(entry.kind), entry.side, entry.quantity, entry.price, entry.cash)
        count += 1
        cash += entry.cash
        brought += value_from_outside(line)
        if not entry.symbol:
            realised += take(Figures(), line)[1]
            continue
        whole[entry.symbol], gain = take(whole.get(entry.symbol, Figures()), line)
        key = owner_key(entry.user_id, entry.strategy), entry.symbol
        parts[key], own = take(parts.get(key, Figures()), line)
        realised += gain
        if (gain, own) != (entry.realised, entry.realised_own):
            faults.append(
                Fault(
                    account.pk,
                    f"profit of entry {entry.pk}",
                    f"{entry.realised}, own {entry.realised_own}",
                    f"{gain}, own {own}",
                )
            )
    faults += _sums(account, whole, parts, cash)
    held = sum((figures.cost for figures in whole.values()), ZERO)
    if cash + held != brought + realised:
        faults.append(Fault(account.pk, "money and cost held", str(cash + held), str(brought + realised)))
    return Verified(count, faults)


def _sums(
    account: BrokerAccount, whole: dict[str, Figures], parts: dict[tuple[str, str], Figures], cash: Decimal
) -> Iterator[Fault]:
    book = AccountBook.objects.filter(account=account).first()
    stored_cash = ZERO if book is None else book.ledger_cash
    if stored_cash != cash:
        yield Fault(account.pk, "cash", str(stored_cash), str(cash))
    positions = {row.symbol: figures_of(row) for row in LedgerPosition.objects.filter(account=account)}
    for symbol in sorted(positions.keys() | whole.keys()):
        if positions.get(symbol) != whole.get(symbol):
            yield Fault(account.pk, symbol, str(positions.get(symbol)), str(whole.get(symbol)))
    owners = OwnerPosition.objects.filter(account=account)
    kept = {(row.owner, row.symbol): figures_of(row) for row in owners}
    for key in sorted(kept.keys() | parts.keys()):
        if kept.get(key) != parts.get(key):
            yield Fault(account.pk, " ".join(key), str(kept.get(key)), str(parts.get(key)))
    shares = dict(owners.order_by().values_list("symbol").annotate(Sum("quantity")))
    for symbol, figures in sorted(positions.items()):
        if shares.get(symbol, 0) != figures.quantity:
            yield Fault(account.pk, f"{symbol} of all owners", str(shares.get(symbol, 0)), str(figures.quantity))
