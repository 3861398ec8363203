"""Moving-average book-keeping of one instrument: pure arithmetic over entries, CNY and shares.

Cost follows the moving average (移动加权平均): a purchase adds what it cost, a sale takes the sold share of the cost
with it. A holding may be negative: a person can sell shares that somebody else bought, and their own
part is then short. Crossing zero realises everything and starts anew.

For every run of entries, exactly::

    Σ cash + cost held = Σ value brought from outside + Σ realised (dividends and fees included)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from qmt.gateway import Side
from trading.ledger.choices import EXTERNAL, FEES, EntryKind

ZERO = Decimal(0)
STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run of entries adds up to; the columns of `trading.ledger.models.entries.Figures`."""

    quantity: int = 0
    cost: Decimal = ZERO
    base_cost: Decimal = ZERO
    realised: Decimal = ZERO
    dividends: Decimal = ZERO
    fees: Decimal = ZERO
    opened_on: date | None = None
    bought_on: date | None = None
    bought_quantity: int = 0

    def bought_today(self, today: date) -> int:
        """Shares bought on `today`, which T+1 keeps from being sold."""
        return self.bought_quantity if self.bought_on == today else 0


@dataclass(frozen=True, slots=True)
class Line:
    """The part of an entry that moves figures.

    Attributes
    ----------
    side
        BUY or SELL for a trade and its fees, empty for anything else.
    quantity
        Signed change in shares.
    price
        Per share, for what brings or takes shares at a value.
    cash
        Signed change in money.
    """

    trade_date: date
    kind: EntryKind
    side: str
    quantity: int
    price: Decimal | None
    cash: Decimal


def value_from_outside(line: Line) -> Decimal:
    """What the line brought in from outside the account's own trading; negative for what it took out."""
    if line.kind not in EXTERNAL:
        return ZERO
    return line.cash + worth(line)


def worth(line: Line) -> Decimal:
    """Shares of the line at its own price, signed."""
    return ZERO if line.price is None else (line.price * line.quantity).quantize(STEP, rounding=ROUND_HALF_UP)


def take(figures: Figures, line: Line) -> tuple[Figures, Decimal]:
    """Apply one line to the figures of its instrument.

    Returns
    -------
    tuple
        The new figures, and the profit the line realised (its money, for dividends and fees of sales).
    """
    if line.kind in FEES:
        return _fee(figures, line)
    if line.kind is EntryKind.TRADE:
        return _exchange(figures, line, value=-line.cash)
    if line.kind in EXTERNAL or line.kind is EntryKind.ALLOTMENT:
        if line.quantity == 0:
            # Money that a person put down to this instrument, without shares: a loss or gain from outside.
            return figures, ZERO
        paid = -line.cash if line.kind is EntryKind.ALLOTMENT else worth(line)
        return _exchange(figures, line, value=paid)
    if line.kind in (EntryKind.BONUS, EntryKind.GIFT):
        return _exchange(figures, line, value=ZERO)
    if line.kind in (EntryKind.DIVIDEND, EntryKind.TAX):
        return replace(figures, dividends=figures.dividends + line.cash), line.cash
    return figures, line.cash


def _fee(figures: Figures, line: Line) -> tuple[Figures, Decimal]:
    """A purchase's fees are part of what it cost while its shares are held; a sale's are taken off its profit."""
    charged = replace(figures, fees=figures.fees - line.cash)
    if line.side == Side.BUY and figures.quantity > 0:
        return replace(charged, cost=figures.cost - line.cash), ZERO
    return replace(charged, realised=figures.realised + line.cash), line.cash


def _exchange(figures: Figures, line: Line, *, value: Decimal) -> tuple[Figures, Decimal]:
    """Shares against value: `value` is paid for a positive quantity and received (negative) for a negative one."""
    before, change = figures.quantity, line.quantity
    after = before + change
    closing = before != 0 and (before > 0) != (change > 0)
    if not closing:
        grown = replace(
            figures,
            quantity=after,
            cost=figures.cost + value,
            base_cost=figures.base_cost + value,
            opened_on=line.trade_date if before == 0 else figures.opened_on,
        )
        return _note_purchase(grown, line), ZERO
    closed = min(abs(before), abs(change))
    cost_out = _share(figures.cost, closed, abs(before))
    base_out = _share(figures.base_cost, closed, abs(before))
    value_out = _share(value, closed, abs(change))
    gain = -value_out - cost_out
    crossed = abs(change) > abs(before)
    left = value - value_out if crossed else ZERO
    reduced = replace(
        figures,
        quantity=after,
        cost=left if crossed else figures.cost - cost_out,
        base_cost=left if crossed else figures.base_cost - base_out,
        realised=figures.realised + gain,
        opened_on=line.trade_date if crossed else (None if after == 0 else figures.opened_on),
    )
    return _note_purchase(reduced, line), gain


def _note_purchase(figures: Figures, line: Line) -> Figures:
    if line.kind is not EntryKind.TRADE or line.quantity <= 0:
        return figures
    earlier = figures.bought_quantity if figures.bought_on == line.trade_date else 0
    return replace(figures, bought_on=line.trade_date, bought_quantity=earlier + line.quantity)


def _share(total: Decimal, part: int, whole: int) -> Decimal:
    """The part's share of a total, to a hundredth of a cent; the whole takes everything."""
    if part == whole:
        return total
    return (total * part / whole).quantize(STEP, rounding=ROUND_HALF_UP)
