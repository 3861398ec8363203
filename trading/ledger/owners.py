"""Who holds what of an account: each person's and each strategy's own part, by the entries of their orders.

These parts are virtual: the broker knows the account alone. All of them, nobody's included, add up to it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from accounts.models import BrokerAccount
from marketdata.models import Instrument
from trading.ledger.entries import figures_of
from trading.ledger.equity import positions_value
from trading.ledger.fields import CENT
from trading.ledger.models import OwnerPosition
from trading.ledger.wire import day as day_text
from trading.ledger.wire import money, plain

_PER_SHARE: Final = Decimal("0.0001")


def owner_holdings(account: BrokerAccount, today: date | None) -> list[dict[str, Any]]:
    """Every part that holds shares, or is short of some, by person, strategy and symbol.

    Parameters
    ----------
    today
        The market's date: what a part bought on it may not be sold on it, where the instrument settles T+1. None
        while unknown: then nothing is known to be sellable.

    Notes
    -----
    A part is negative when somebody sold shares that another's orders had bought. Prices as in
    `equity.positions_value`, null where the account as a whole holds none; amounts in CNY, cost by moving average
    with the fees of purchases.
    """
    rows = OwnerPosition.objects.filter(account=account).exclude(quantity=0).select_related("user")
    held = list(rows.order_by("user__username", "strategy", "symbol"))
    values = positions_value(account)
    symbols = {row.symbol for row in held}
    settles_at_once = set(Instrument.objects.filter(symbol__in=symbols, t_plus=0).values_list("symbol", flat=True))
    views = []
    for row in held:
        figures = figures_of(row)
        value = values.get(row.symbol)
        worth = None if value is None else (value.price * row.quantity).quantize(CENT)
        kept_back = 0 if today is None or row.symbol in settles_at_once else figures.bought_today(today)
        views.append(
            {
                "user": None if row.user is None else row.user.username,
                "strategy": row.strategy,
                "symbol": row.symbol,
                "quantity": row.quantity,
                "sellable": 0 if today is None else max(0, row.quantity - kept_back),
                "price": None if value is None else plain(value.price),
                "market_value": None if worth is None else money(worth),
                "average_cost": plain((row.cost / row.quantity).quantize(_PER_SHARE)),
                "unrealised": None if worth is None else money(worth - row.cost),
                "realised": money(row.realised),
                "dividends": money(row.dividends),
                "fees": money(row.fees),
                "opened_on": day_text(row.opened_on),
            }
        )
    return views
