"""The closed vocabularies of this app, as stored in the database and shown by the API."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a person is in the team. What a person may touch is a `Grant`, per account."""

    ADMIN = "ADMIN", _("Administrator")
    TRADER = "TRADER", _("Trader")
    RISK = "RISK", _("Risk officer")
    VIEWER = "VIEWER", _("Viewer")


#: Roles that see every account without a grant.
SEES_EVERY_ACCOUNT = frozenset({Role.ADMIN, Role.RISK})
#: Roles that may hold the right to approve others' orders or to manage an account.
MAY_HOLD_DUTY_GRANT = frozenset({Role.ADMIN, Role.TRADER, Role.RISK})
#: Roles that may trade at all. Each still needs a grant for the account: an
#: administrator who wants to trade has to write that down, on the audit trail.
MAY_HOLD_TRADE_GRANT = frozenset({Role.ADMIN, Role.TRADER})


class TradeRight(models.TextChoices):
    """Whose orders a person may cancel where they may place orders.

    The shares of an account belong to the account: whoever may trade may sell what
    is there, whoever bought it.
    """

    NONE = "NONE", _("No trading")
    OWN = "OWN", _("Trade, cancel own orders")
    ALL = "ALL", _("Trade, cancel everybody's orders")


class LinkKind(models.TextChoices):
    """What a one-time link lets its holder do: set the first password, or a new one."""

    INVITE = "INVITE", _("Invitation")
    RESET = "RESET", _("New password")


class Language(models.TextChoices):
    """Languages of the portal, by the names that Django gives them."""

    CHINESE = "zh-hans", _("Simplified Chinese")
    ENGLISH = "en", _("English")


class RisingColor(models.TextChoices):
    """Colour of a rising price: red in mainland China, green elsewhere."""

    RED = "red", _("Red up, green down")
    GREEN = "green", _("Green up, red down")


class HostKind(models.TextChoices):
    """Whose terminal a host runs: the simulated one, or a broker's. Never changed by itself."""

    SIMULATED = "SIMULATED", _("Simulated terminal")
    LIVE = "LIVE", _("Broker terminal")


class SessionState(models.TextChoices):
    """State of a host's trade session, as its trade worker last wrote it."""

    DOWN = "DOWN", _("Down")
    CONNECTING = "CONNECTING", _("Connecting")
    RECONCILING = "RECONCILING", _("Reconciling")
    READY = "READY", _("Ready")
    SICK = "SICK", _("Sick")


class AccountMode(models.TextChoices):
    """Whose money an account is. READ_ONLY: at a broker's terminal, shown and never traded."""

    PAPER = "PAPER", _("Paper")
    READ_ONLY = "READ_ONLY", _("Read only")
    LIVE = "LIVE", _("Live")


class TradingState(models.TextChoices):
    """What new orders may do. REDUCING lets sales pass only; cancels always pass."""

    ACTIVE = "ACTIVE", _("Active")
    REDUCING = "REDUCING", _("Reducing only")
    HALTED = "HALTED", _("Halted")


class Scope(models.TextChoices):
    """What a bearer token may be used for. A session has every scope of its person."""

    MARKET_READ = "market:read", _("Read market data")
    ACCOUNT_READ = "account:read", _("Read accounts, positions, orders and trades")
    ORDERS_WRITE = "orders:write", _("Place and cancel orders")
    MONEY_WRITE = "money:write", _("Move money and shares between places")
    ADMIN = "admin:*", _("Administer the platform")
