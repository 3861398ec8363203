"""Corporate actions (除权除息) as entries: booked on the ex-date from the terminal's factors.

Who held shares before the ex-date is owed cash and new shares from that day on, so that the fall of the
price is no loss. When the broker's own figures show them is another matter (with a real
broker often days later): until then `pending` keeps both apart, and reconciliation does not
mistake what is on its way for a difference. An allotment (配股) is an offer; whoever takes it up enters it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from itertools import combinations
from typing import Any, Final

from django.db.models import Q, Sum

from marketdata.models import DividendFactor
from trading.ledger.choices import EntryKind
from trading.ledger.entries import Posting
from trading.ledger.fields import CENT, ZERO
from trading.ledger.journal import Journal
from trading.ledger.models import CorporateAction, LedgerEntry, LedgerPosition

#: Factors are stored as floats; per share no event has more decimals.
_PER_SHARE: Final = Decimal("0.000001")
#: More pending events of one kind than this are not tried in every combination.
_MOST_COMBINED: Final = 8

Owner = tuple[int | None, str]


@dataclass(frozen=True, slots=True)
class Pending:
    """What is booked and not seen at the broker: actions with cash, and those with shares by symbol."""

    cash: Sequence[CorporateAction]
    shares: Mapping[str, Sequence[CorporateAction]]

    @property
    def cash_total(self) -> Decimal:
        """All of the cash, CNY."""
        return sum((action.cash for action in self.cash), ZERO)

    def shares_total(self, symbol: str) -> int:
        """All of one symbol's shares."""
        return sum(action.shares for action in self.shares.get(symbol, ()))


def actions_book(journal: Journal, today: date) -> int:
    """Enter every known ex-date up to `today` of shares held before it; returns how many there were.

    Repeated calls change nothing. Factors that arrive late are entered late, under their own date.
    """
    account_id, since = journal.book.pk, journal.book.ledger_since
    if since is None:
        return 0
    symbols = LedgerPosition.objects.filter(account_id=account_id).values_list("symbol", flat=True)
    factors = DividendFactor.objects.filter(
        Q(interest__gt=0) | Q(stock_bonus__gt=0) | Q(stock_gift__gt=0),
        instrument__symbol__in=list(symbols),
        date__gt=since,
        date__lte=today,
    ).select_related("instrument")
    known = set(CorporateAction.objects.filter(account_id=account_id).values_list("symbol", "ex_date"))
    fresh = [factor for factor in factors if (factor.instrument.symbol, factor.date) not in known]
    booked = 0
    for factor in sorted(fresh, key=lambda one: (one.date, one.instrument.symbol)):
        journal.flush_postings()
        booked += _book(journal, factor)
    return booked


def _book(journal: Journal, factor: DividendFactor) -> bool:
    symbol = factor.instrument.symbol
    owners = _held_before(journal.book.pk, symbol, factor.date)
    held = sum(owners.values())
    if held <= 0:
        return False
    cash_each, bonus_each = _per_share(factor.interest), _per_share(factor.stock_bonus)
    all_each = bonus_each + _per_share(factor.stock_gift)
    cash, shares, bonus = _money(held, cash_each), _whole(held, all_each), _whole(held, bonus_each)
    CorporateAction.objects.create(
        account_id=journal.book.pk, symbol=symbol, ex_date=factor.date, held=held, cash=cash, shares=shares
    )
    parts = (
        (EntryKind.DIVIDEND, _split(owners, cash, lambda quantity: _money(quantity, cash_each))),
        (EntryKind.BONUS, _split(owners, Decimal(bonus), lambda quantity: Decimal(_whole(quantity, bonus_each)))),
        (
            EntryKind.GIFT,
            _split(owners, Decimal(shares - bonus), lambda quantity: Decimal(_whole(quantity, all_each - bonus_each))),
        ),
    )
    for kind, split in parts:
        journal.post(*_postings(kind, factor, symbol, split))
    return True


def _postings(
    kind: EntryKind, factor: DividendFactor, symbol: str, split: Iterable[tuple[Owner, Decimal]]
) -> Iterator[Posting]:
    for number, ((user_id, strategy), amount) in enumerate(split):
        moved: dict[str, Any] = {"cash": amount} if kind is EntryKind.DIVIDEND else {"quantity": int(amount)}
        yield Posting(
            trade_date=factor.date,
            kind=kind,
            reference=f"ex:{symbol}:{factor.date}:{number}",
            symbol=symbol,
            user_id=user_id,
            strategy=strategy,
            note=f"ex-date {factor.date}",
            **moved,
        )


def _held_before(account_id: int, symbol: str, ex_date: date) -> dict[Owner, int]:
    rows = (
        LedgerEntry.objects.filter(account_id=account_id, symbol=symbol, trade_date__lt=ex_date)
        .order_by()
        .values_list("user_id", "strategy")
        .annotate(held=Sum("quantity"))
    )
    return {(user_id, strategy): held for user_id, strategy, held in rows if held}


def _split(owners: Mapping[Owner, int], total: Decimal, part: Any) -> list[tuple[Owner, Decimal]]:
    """Everybody's part of the whole, by the shares each held; what rounding leaves is nobody's."""
    shares = {owner: part(held) for owner, held in sorted(owners.items(), key=lambda one: (one[0][0] or 0, one[0][1]))}
    shares[None, ""] = shares.get((None, ""), ZERO) + total - sum(shares.values(), ZERO)
    return list(shares.items())


def _per_share(value: float) -> Decimal:
    return Decimal(str(value)).quantize(_PER_SHARE)


def _money(held: int, each: Decimal) -> Decimal:
    return (held * each).quantize(CENT, rounding=ROUND_DOWN)


def _whole(held: int, each: Decimal) -> int:
    return int(held * each)


# ------------------------------------------------------------------ what is on its way
def pending(account_id: int) -> Pending:
    """The account's actions that the broker's figures do not show yet."""
    rows = CorporateAction.objects.filter(account_id=account_id).filter(
        Q(cash_received_on=None, cash__gt=0) | Q(shares_received_on=None, shares__gt=0)
    )
    cash, shares = [], defaultdict(list)
    for row in rows.order_by("ex_date", "symbol"):
        if row.cash and row.cash_received_on is None:
            cash.append(row)
        if row.shares and row.shares_received_on is None:
            shares[row.symbol].append(row)
    return Pending(cash, shares)


def arrived(missing: Decimal, actions: Sequence[CorporateAction], column: str) -> list[CorporateAction]:
    """The actions whose arrival explains best what the broker has more than our books without them.

    Parameters
    ----------
    missing
        The broker's figure less ours without any of the actions.
    column
        ``cash`` or ``shares``.
    """
    best: list[CorporateAction] = []
    left = abs(missing)
    for chosen in _choices(actions):
        rest = abs(missing - sum((getattr(action, column) for action in chosen), ZERO))
        if rest < left:
            best, left = list(chosen), rest
    return best


def _choices(actions: Sequence[CorporateAction]) -> Iterator[Sequence[CorporateAction]]:
    if len(actions) > _MOST_COMBINED:
        yield actions
        yield from ([action] for action in actions)
        return
    for size in range(len(actions), 0, -1):
        yield from combinations(actions, size)
