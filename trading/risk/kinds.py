"""Which order may be placed at all: the account's type, the price type's exchange, board and phase, its price.

The table of price types with its sources is `qmt.pricetypes`; here stands only what the platform says no to.
"""

from __future__ import annotations

from typing import Any

from ops.errors import Code, Denied
from qmt.calendar import Phase
from qmt.codes import Board, Market
from qmt.gateway import STOCK_ACCOUNT, Side
from qmt.pricetypes import is_market, needs_protection, price_types_of
from qmt.rules import closing_auction_since
from trading.risk.context import CheckContext


def account_type_is_built(context: CheckContext) -> Denied | None:
    """Credit, futures and option accounts have orders of their own, which are not built."""
    account = context.account
    if account.account_type == STOCK_ACCOUNT:
        return None
    return Denied(
        Code.ACCOUNT_TYPE_NOT_BUILT, account=account.pk, account_type=account.account_type, allowed=STOCK_ACCOUNT
    )


def price_type_is_taken(context: CheckContext) -> Denied | None:
    """The exchange takes the price type for this board, in this phase."""
    instrument, kind = context.instrument, context.price_type
    market, board = Market(instrument.market), Board(instrument.board)
    allowed = price_types_of(market, board)
    facts: dict[str, Any] = {"symbol": instrument.symbol, "price_type": str(kind)}
    if kind not in allowed:
        return Denied(Code.PRICE_TYPE_NOT_TAKEN, **facts, allowed=[str(one) for one in allowed])
    if is_market(kind) and not _is_continuous(context, market, board):
        return Denied(Code.PRICE_TYPE_NEEDS_CONTINUOUS, **facts, phase=str(context.clock.phase), allowed="LIMIT")
    return None


def _is_continuous(context: CheckContext, market: Market, board: Board) -> bool:
    """Whether the instrument trades continuously now: what has no closing auction does until 15:00."""
    clock = context.clock
    if clock.phase is not Phase.CLOSE_AUCTION:
        return clock.phase is Phase.CONTINUOUS
    since = closing_auction_since(market, board)
    return since is None or clock.trade_date < since


def protection_is_right(context: CheckContext) -> Denied | None:
    """A market order carries a protection limit price exactly where the exchange asks for one."""
    kind, day = context.price_type, context.day
    if not is_market(kind) or day is None:
        return None
    limit = day.limit_up if context.side is Side.BUY else day.limit_down
    board = Board(context.instrument.board)
    needed = needs_protection(kind, board, has_limits=limit is not None)
    facts: dict[str, Any] = {"symbol": context.instrument.symbol, "price_type": str(kind)}
    if needed and context.price is None:
        return Denied(Code.PROTECTION_REQUIRED, **facts, board=str(board))
    if not needed and context.price is not None:
        return Denied(Code.PRICE_NOT_ALLOWED, **facts, price=format(context.price, "f"))
    return None
