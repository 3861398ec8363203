"""Writes of transfers."""

from trading.money.services.asking import Requested, transfer_cancel, transfer_request
from trading.money.services.checking import transfer_check
from trading.money.services.deciding import transfer_approve, transfer_refuse
from trading.money.services.limits import money_limit_set
from trading.money.services.resolving import transfer_resolve

__all__ = [
    "Requested",
    "money_limit_set",
    "transfer_approve",
    "transfer_cancel",
    "transfer_check",
    "transfer_refuse",
    "transfer_request",
    "transfer_resolve",
]
