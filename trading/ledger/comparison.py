"""Our books against the broker's figures: shares per instrument, and money.

Shares have to agree exactly. Money agrees within what our fees are an estimate of: the
broker's own charges become known only through its cash, and are entered when the trade date closes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from qmt.gateway import AssetUpdate, PositionUpdate
from trading.ledger.choices import DifferenceKind
from trading.ledger.corporate import arrived, pending
from trading.ledger.fields import ZERO
from trading.ledger.journal import Journal
from trading.ledger.models import CorporateAction, LedgerPosition
from trading.ledger.wire import money

#: Rounding of every fill and dividend at the broker's side, and interest of a day: nobody is called for this, CNY.
CASH_TOLERANCE: Final = Decimal("1.00")


Identity = tuple[str, str, Decimal, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement in one round of answers.

    ``delta`` is theirs less ours: while fills travel both values move, the delta of a real difference
    does not.
    """

    kind: DifferenceKind
    key: str
    ours: str
    theirs: str
    delta: Decimal = ZERO

    @property
    def identity(self) -> Identity:
        """What has to come again for the finding to be confirmed."""
        moving = self.kind in (DifferenceKind.POSITION, DifferenceKind.CASH)
        return self.kind, self.key, self.delta, "" if moving else f"{self.ours}/{self.theirs}"


def compare_holdings(
    journal: Journal, *, asset: AssetUpdate, positions: Sequence[PositionUpdate], today: date
) -> list[Finding]:
    """What the broker's money and shares show differently from the entries; the caller holds the book.

    Corporate actions that have arrived since are noted as received.
    """
    coming = pending(journal.book.pk)
    theirs = {row.symbol: row.quantity for row in positions if row.quantity}
    ours = ledger_quantities(journal.book.pk)
    findings = []
    for symbol in sorted(theirs.keys() | ours.keys()):
        booked, stated = ours.get(symbol, 0), theirs.get(symbol, 0)
        seen = booked - coming.shares_total(symbol)
        got = arrived(Decimal(stated - seen), coming.shares.get(symbol, ()), "shares")
        _receive(got, "shares_received_on", today)
        delta = stated - seen - sum(action.shares for action in got)
        if delta:
            findings.append(Finding(DifferenceKind.POSITION, symbol, str(stated - delta), str(stated), Decimal(delta)))
    stated_cash = asset.cash + asset.frozen_cash
    seen_cash = journal.book.ledger_cash - coming.cash_total
    got = arrived(stated_cash - seen_cash, coming.cash, "cash")
    _receive(got, "cash_received_on", today)
    delta_cash = stated_cash - seen_cash - sum((action.cash for action in got), ZERO)
    if abs(delta_cash) > cash_band(journal.book.estimated_fees):
        ours_text, theirs_text = money(stated_cash - delta_cash), money(stated_cash)
        findings.append(Finding(DifferenceKind.CASH, "CNY", str(ours_text), str(theirs_text), delta_cash))
    return findings


def cash_band(estimated_fees: Decimal) -> Decimal:
    """How far the broker's cash may lie from ours without anybody having to explain it."""
    return CASH_TOLERANCE + estimated_fees


def ledger_quantities(account_id: int) -> Mapping[str, int]:
    """Shares by symbol as the entries add up; symbols without any are left out."""
    rows = LedgerPosition.objects.filter(account_id=account_id).exclude(quantity=0)
    return dict(rows.values_list("symbol", "quantity"))


def _receive(actions: Sequence[CorporateAction], column: str, today: date) -> None:
    if actions:
        CorporateAction.objects.filter(pk__in=[action.pk for action in actions]).update(**{column: today})
