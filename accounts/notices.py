"""What an administrator has to read and acknowledge before an account trades real money."""

from __future__ import annotations

import hashlib

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: Changes with the text: an acknowledgement names the version it was given to.
PROGRAM_TRADING_VERSION = "2025-07-07"
#: The rules of the Shanghai, Shenzhen and Beijing exchanges on programmatic trading, in force since 2025-07-07.
PROGRAM_TRADING_NOTICE: tuple[str | Promise, ...] = (
    _(
        "Since 7 July 2025 programmatic trading is supervised by the exchanges. Whoever trades by program must have "
        "reported it to the broker, and must have had the report confirmed, before the first order."
    ),
    _(
        "300 or more orders and cancels of one account within a second, or 20,000 or more in a day, count as "
        "high-frequency trading, with further duties and fees."
    ),
    _(
        "The exchanges watch for bursts of orders, orders cancelled within a second, a high share of cancels in a "
        "day, ramping of prices, and large trades in a short time. Accounts can be restricted."
    ),
    _("From now on orders of this account are sent to the broker and trade real money."),
)


def program_trading_digest() -> str:
    """What exactly was acknowledged: SHA-256 over the version and the notice's English text."""
    with translation.override("en"):
        text = "\n".join([PROGRAM_TRADING_VERSION, *map(str, PROGRAM_TRADING_NOTICE)])
    return hashlib.sha256(text.encode()).hexdigest()
