"""What the order ticket knows before its first request: price types per exchange and board, and its words."""

from __future__ import annotations

from typing import Any

from frontend.exit_messages import LEVEL_MESSAGES
from frontend.messages import browser_messages
from frontend.risk_messages import VERDICT_MESSAGES
from frontend.ticket_messages import TICKET_MESSAGES
from qmt.codes import Board, Market
from qmt.gateway import PriceType
from qmt.pricetypes import needs_protection, price_types_of


def ticket_boot() -> dict[str, Any]:
    """Price types that may be offered, where they need a protection limit, and every text of the dashboard."""
    return {
        "price_types": {
            f"{market}.{board}": [str(kind) for kind in price_types_of(market, board)]
            for market in Market
            for board in Board
        },
        "protected_boards": [
            str(board) for board in Board if needs_protection(PriceType.PEER_BEST, board, has_limits=True)
        ],
        "messages": browser_messages()
        | {key: str(text) for key, text in {**VERDICT_MESSAGES, **TICKET_MESSAGES, **LEVEL_MESSAGES}.items()},
    }
