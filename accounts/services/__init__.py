"""Writes of this app. Each stores its audit event in the same transaction.

Whatever narrows somebody's authority raises the account's epoch: an order accepted
under an older epoch is never sent.
"""

from __future__ import annotations

from accounts.services.broker_accounts import (
    account_add,
    account_auto_trading_set,
    account_details_set,
    account_enabled_set,
    account_halt,
    account_host_set,
    account_mode_set,
    account_resume,
    account_state_set,
)
from accounts.services.grants import grant_set, grant_withdraw
from accounts.services.hosts import host_save
from accounts.services.tokens import token_create, token_revoke
from accounts.services.users import user_save

__all__ = [
    "account_add",
    "account_auto_trading_set",
    "account_details_set",
    "account_enabled_set",
    "account_halt",
    "account_host_set",
    "account_mode_set",
    "account_resume",
    "account_state_set",
    "grant_set",
    "grant_withdraw",
    "host_save",
    "token_create",
    "token_revoke",
    "user_save",
]
