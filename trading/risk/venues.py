"""Which account may trade at which terminal. Paper and real money never meet, from either side.

One function for all places that ask: before an order is accepted, when a session is
opened, and at the last look before the call. Each asks with what it knows itself: the
trade worker with the natives that *it* loaded and the switch of *its* installation.
"""

from __future__ import annotations

from typing import Any

from accounts.choices import AccountMode
from accounts.models import BrokerAccount, QmtHost
from ops.errors import Code, Denied


def venue_refusal(account: BrokerAccount, host: QmtHost, *, simulated: bool, live_allowed: bool) -> Denied | None:
    """Why orders of `account` must not go to this terminal; None when they may.

    Parameters
    ----------
    simulated
        Whether the terminal really is a simulated one.
    live_allowed
        The switch of the installation that asks (``DESK_ALLOW_LIVE``).

    Notes
    -----
    READ_ONLY is refused here too: such an account may be looked at, nothing more. An
    account is LIVE only under a stored decision; a mode that was written around the
    service has none.
    """
    facts: dict[str, Any] = {"account": account.pk}
    if account.mode == AccountMode.PAPER:
        if host.is_simulated and simulated:
            return None
        return Denied(Code.PAPER_NEEDS_SIMULATED_HOST, **facts, host=host.name)
    if account.mode != AccountMode.LIVE:
        return Denied(Code.ACCOUNT_READ_ONLY, **facts)
    if not live_allowed:
        return Denied(Code.LIVE_NOT_AVAILABLE, **facts)
    if account.live_switch_id is None:
        return Denied(Code.LIVE_NOT_CONFIRMED, **facts)
    if host.is_simulated or simulated:
        return Denied(Code.LIVE_NEEDS_BROKER_HOST, **facts, host=host.name)
    return None
