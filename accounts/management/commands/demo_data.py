"""People, a simulated host and two paper accounts to look around with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.choices import HostKind, Language, Role, TradeRight
from accounts.models import BrokerAccount, Grant, QmtHost, User
from accounts.services import account_add, grant_set, host_save, user_save
from desk.settings.schema import get_config
from ops.audit import Actor

PASSWORD = "desk-demo"  # noqa: S105 - the demo's, printed at its start
HOST = "sim"
FED_HOST = "paper"
ACTOR = Actor.system("demo-data")
PEOPLE = {
    "admin": Role.ADMIN,
    "alice": Role.TRADER,
    "bob": Role.TRADER,
    "charlie": Role.TRADER,
}
#: broker account → (name, {person: what they may trade})
ACCOUNTS: dict[str, tuple[str, dict[str, TradeRight]]] = {
    "8000000001": ("Alpha (模拟)", {"alice": TradeRight.ALL, "bob": TradeRight.NONE}),
    "8000000002": ("Beta (模拟)", {"charlie": TradeRight.ALL}),
}
#: The same on the host that is fed from the first one (DESK_SIM_FED).
FED_ACCOUNTS: dict[str, tuple[str, dict[str, TradeRight]]] = {
    "8000000101": ("Gamma (跟盘模拟)", {"alice": TradeRight.ALL, "bob": TradeRight.NONE}),
}


class Command(BaseCommand):
    help = "Create the demo logins, the simulated host and its accounts (with DESK_SIM_FED a fed one too); repeatable."

    def handle(self, *args: Any, **options: Any) -> None:
        config = get_config()
        environment = config.env
        if environment not in ("demo", "test"):
            raise CommandError(f"Demo data has known passwords; it is refused in the {environment} environment.")
        with transaction.atomic():
            people = {name: _person(name, role) for name, role in PEOPLE.items()}
            host = _host(HOST)
            _accounts(host, ACCOUNTS, people)
            if config.sim_fed:
                _accounts(_host(FED_HOST, fed_from=host), FED_ACCOUNTS, people)
        self.stdout.write("Demo data is in place.")


def _person(username: str, role: Role) -> User:
    """Create the person; one that exists is left as people have changed it since."""
    existing = User.objects.filter(username=username).first()
    if existing is not None:
        return existing
    admin = role == Role.ADMIN
    user = User(
        username=username,
        role=role,
        language=Language.CHINESE,
        is_staff=admin,
        is_superuser=admin,
    )
    user.set_password(PASSWORD)
    return user_save(actor=ACTOR, user=user)


def _host(name: str, *, fed_from: QmtHost | None = None) -> QmtHost:
    existing = QmtHost.objects.filter(name=name).first()
    if existing is not None:
        return existing
    return host_save(actor=ACTOR, host=QmtHost(name=name, kind=HostKind.SIMULATED, fed_from=fed_from))


def _accounts(
    host: QmtHost, accounts: Mapping[str, tuple[str, dict[str, TradeRight]]], people: Mapping[str, User]
) -> None:
    for account_no, (name, rights) in accounts.items():
        account = _account(host, account_no, name)
        for person, trade in rights.items():
            _first_grant(people[person], account, trade)


def _account(host: QmtHost, account_no: str, name: str) -> BrokerAccount:
    existing = BrokerAccount.objects.filter(host=host, account_no=account_no).first()
    if existing is not None:
        return existing
    return account_add(actor=ACTOR, account=BrokerAccount(host=host, account_no=account_no, name=name))


def _first_grant(user: User, account: BrokerAccount, trade: TradeRight) -> None:
    if not Grant.objects.filter(user=user, account=account).exists():
        grant_set(actor=ACTOR, user=user, account=account, trade=trade)
