"""People, accounts and rights of the soak; prints them with their tokens. Runs in the platform's environment, before its start.

``python -m benchmarks.operate.soak.cast USERS ACCOUNTS``
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import django

PASSWORD = "soak-of-the-desk"  # noqa: S105 - of an installation that is thrown away
FIRST_ACCOUNT = 8_000_000_001
PORTAL_PEOPLE = 8
"""So many of them sign in to the portal too; hashing passwords for all would only take time."""
VIEWERS = 5
"""The last so many people only look."""
AUTOMATIC = 5
"""On so many accounts exit plans and grids trade by themselves."""
TRADER_SCOPES = ("market:read", "account:read", "orders:write")
READER_SCOPES = ("market:read", "account:read")
RATE = 60_000


def build(users: int, accounts: int) -> dict[str, Any]:
    """Store them through the services, so that every right is where an administrator's act would have put it."""
    from accounts.models import BrokerAccount, QmtHost, User
    from accounts.services import account_add, account_auto_trading_set
    from ops.audit import Actor

    actor = Actor.system("soak")
    host = QmtHost.objects.get(name="sim")
    for number in range(accounts):
        account_no = str(FIRST_ACCOUNT + number)
        if not BrokerAccount.objects.filter(account_no=account_no).exists():
            account_add(actor=actor, account=BrokerAccount(host=host, account_no=account_no, name=f"Soak {number}"))
    rows = list(BrokerAccount.objects.order_by("account_no"))
    people = [_person(actor, number, rows, only_looks=number >= users - VIEWERS) for number in range(users)]
    for account in rows[:AUTOMATIC]:
        account_auto_trading_set(actor=actor, account=account, enabled=True)
    admin = User.objects.get(username="admin")
    return {
        "accounts": [{"id": row.pk, "no": row.account_no} for row in rows],
        "automatic": [row.pk for row in rows[:AUTOMATIC]],
        "people": people,
        "admin": _token(actor, admin, (*READER_SCOPES, "admin:*")),
        "password": PASSWORD,
    }


def _person(actor: Any, number: int, accounts: list[Any], *, only_looks: bool) -> dict[str, Any]:
    """One person: all orders of one account, own orders of another, a look at a third; the others are not theirs."""
    from accounts.choices import Role, TradeRight
    from accounts.models import User
    from accounts.services import grant_set, user_save

    user = User(username=f"soak{number:03d}", role=Role.VIEWER if only_looks else Role.TRADER)
    if number < PORTAL_PEOPLE:
        user.set_password(PASSWORD)
    else:
        user.set_unusable_password()
    user_save(actor=actor, user=user)
    every, own, looked_at = (accounts[(number + step) % len(accounts)] for step in (0, 7, 11))
    if only_looks:
        rights = [(every, TradeRight.NONE), (own, TradeRight.NONE), (looked_at, TradeRight.NONE)]
    else:
        rights = [(every, TradeRight.ALL), (own, TradeRight.OWN), (looked_at, TradeRight.NONE)]
    for account, trade in rights:
        grant_set(actor=actor, account=account, user=user, trade=trade)
    return {
        "name": user.username,
        "token": _token(actor, user, TRADER_SCOPES),
        "reader": _token(actor, user, READER_SCOPES),
        "all": [] if only_looks else [every.pk],
        "own": [] if only_looks else [own.pk],
        "views": [account.pk for account, trade in rights if trade == TradeRight.NONE],
        "portal": number < PORTAL_PEOPLE,
    }


def _token(actor: Any, user: Any, scopes: tuple[str, ...]) -> str:
    from accounts.services import token_create

    return token_create(actor=actor, user=user, name="soak", scopes=scopes, rate_per_minute=RATE)[1]


def main() -> None:
    time.tzset()
    django.setup()
    print(json.dumps(build(int(sys.argv[1]), int(sys.argv[2]))))


if __name__ == "__main__":
    main()
