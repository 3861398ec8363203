"""How grids look outside: the API, the socket and the event log show the same."""

from __future__ import annotations

from typing import Any

from trading.grids.course import lower_level, upper_level
from trading.grids.figures import deviation
from trading.grids.models import GridAttempt, GridFill, GridSession, GridSignal
from trading.ledger.wire import day, moment, money, plain


def grid_view(grid: GridSession) -> dict[str, Any]:
    """One grid with its levels and what it has come to. Load it with its `user`."""
    return {
        "id": grid.pk,
        "account": grid.account_id,
        "symbol": grid.symbol,
        "user": grid.user.username,
        "by_token": grid.by_token,
        "template": grid.template,
        "terms": grid.terms.view(),
        "max_investment": money(grid.max_investment),
        "state": str(grid.state),
        "end": grid.end,
        "held": grid.held,
        "revision": grid.revision,
        "expires_at": moment(grid.expires_at),
        "levels": levels_view(grid),
        "cooldowns": {
            "upper": moment(grid.upper_free_at),
            "lower": moment(grid.lower_free_at),
            "sell": moment(grid.sell_free_at),
            "buy": moment(grid.buy_free_at),
        },
        "figures": figures_view(grid),
        "scaled_on": day(grid.scaled_on),
        "created_at": moment(grid.created_at),
        "changed_at": moment(grid.changed_at),
        "final_at": moment(grid.final_at),
    }


def levels_view(grid: GridSession) -> dict[str, Any]:
    """Prices for the chart. `turn` is where the signal comes that is being waited for."""
    terms, totals, extreme = grid.terms, grid.totals, grid.extreme
    turn = None
    if extreme is not None:
        sign = -1 if grid.direction == "RISING" else 1
        turn = (extreme * (1 + sign * terms.callback)).normalize()
    return {
        "center": plain(grid.center),
        "began_at": plain(grid.began_at_price),
        "deviation": plain(round(deviation(grid.center, grid.began_at_price), 6)),
        "sell_above": plain(upper_level(grid.center, terms.interval)),
        "buy_below": plain(lower_level(grid.center, terms.interval)),
        "direction": str(grid.direction),
        "extreme": plain(extreme),
        "turn": plain(turn),
        "target": plain(totals.price_at(terms.target)),
        "stop": plain(totals.price_at(terms.stop)),
    }


def figures_view(grid: GridSession) -> dict[str, Any]:
    """What the grid has come to, before fees, at the last price it saw."""
    totals, price = grid.totals, grid.last_price
    profit = None if price is None else totals.profit(price)
    return {
        "bought_quantity": grid.bought_quantity,
        "bought_amount": money(grid.bought_amount),
        "sold_quantity": grid.sold_quantity,
        "sold_amount": money(grid.sold_amount),
        "open_quantity": grid.open_quantity,
        "paid_out": money(grid.carried),
        "realised": money(grid.realised),
        "last_price": plain(price),
        "profit": None if profit is None else money(round(profit, 4)),
        "profit_ratio": None if profit is None else plain(round(profit / grid.max_investment, 6)),
    }


def signal_view(signal: GridSignal) -> dict[str, Any]:
    """One signal. Load it with its attempts and their orders."""
    return {
        "number": signal.number,
        "side": str(signal.side),
        "price": plain(signal.price),
        "extreme": plain(signal.extreme),
        "center": plain(signal.center),
        "quantity": signal.quantity,
        "state": str(signal.state),
        "code": signal.code,
        "message": signal.message,
        "traded_quantity": signal.traded_quantity,
        "traded_amount": money(signal.traded_amount),
        "trade_date": day(signal.trade_date),
        "detected_at": moment(signal.detected_at),
        "final_at": moment(signal.final_at),
        "orders": [attempt_view(attempt) for attempt in signal.attempts.all()],
    }


def attempt_view(attempt: GridAttempt) -> dict[str, Any]:
    """One order of a signal."""
    order = attempt.order
    return {
        "number": attempt.number,
        "quantity": attempt.quantity,
        "price": plain(attempt.price),
        "order": None if order is None else str(order.pk),
        "status": None if order is None else str(order.status),
        "traded_quantity": 0 if order is None else order.traded_quantity,
    }


def fill_view(fill: GridFill) -> dict[str, Any]:
    """One line of a grid's ledger. Load it with its signal."""
    return {
        "id": fill.pk,
        "signal": fill.signal.number,
        "side": str(fill.side),
        "quantity": fill.quantity,
        "price": plain(fill.price),
        "amount": money(fill.amount),
        "realised": money(fill.realised),
        "open_quantity": fill.lot_quantity,
        "lot_price": plain(fill.lot_price),
        "traded_at": moment(fill.traded_at),
    }
