"""When plans subscribe: market time of day, never this machine's."""

from __future__ import annotations

from datetime import time

from desk.settings.schema import get_config
from ops.clocks import MarketClock
from qmt.calendar import Phase
from qmt.newissues import takes_subscriptions

CLOSE = time(15, 0)


def is_due(clock: MarketClock) -> bool:
    """Whether plans subscribe now: from the configured time on, while subscriptions are taken."""
    return (
        not clock.stale
        and clock.market_time.date() == clock.trade_date
        and clock.market_time.time() >= time.fromisoformat(get_config().ipo_time)
        and takes_subscriptions(clock.phase)
    )


def is_over(clock: MarketClock) -> bool:
    """Whether the trade date's window has ended: an evening, and every day after it until the next trade date."""
    if clock.stale:
        return False
    later = clock.market_time.date() > clock.trade_date
    return later or clock.phase is Phase.AFTER_HOURS or clock.market_time.time() >= CLOSE
