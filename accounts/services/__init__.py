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
from accounts.services.grants import grant_set, grant_withdraw, grants_expire
from accounts.services.hosts import host_save
from accounts.services.leaving import person_deactivate, person_reactivate
from accounts.services.links import link_create, link_person, link_redeem, person_invite
from accounts.services.sessions import sessions_end, sessions_end_all
from accounts.services.teams import team_add, team_delete, team_member_add, team_member_remove, team_rename
from accounts.services.tokens import token_create, token_revoke, token_rotate
from accounts.services.users import password_changed, password_set, user_change, user_save

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
    "grants_expire",
    "host_save",
    "link_create",
    "link_person",
    "link_redeem",
    "password_changed",
    "password_set",
    "person_deactivate",
    "person_invite",
    "person_reactivate",
    "sessions_end",
    "sessions_end_all",
    "team_add",
    "team_delete",
    "team_member_add",
    "team_member_remove",
    "team_rename",
    "token_create",
    "token_revoke",
    "token_rotate",
    "user_change",
    "user_save",
]
