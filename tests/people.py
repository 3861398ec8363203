"""The standing cast: alice trades Alpha, bob views it, charlie trades Beta; an administrator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.test import Client

from accounts.choices import Role, Scope, TradeRight
from accounts.models import ApiToken, BrokerAccount, Grant, QmtHost, User
from accounts.services import token_create
from ops.audit import Actor
from ops.clocks import wall_now

TEST_ACTOR = Actor.system("tests")
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Team:
    """People, their host and their accounts."""

    admin: User
    risk: User
    viewer: User
    alice: User
    bob: User
    charlie: User
    host: QmtHost
    alpha: BrokerAccount
    beta: BrokerAccount


def make_team() -> Team:
    """Store the cast. Rows are made directly: services are what tests are about."""
    people = {
        name: User.objects.create_user(name, password=PASSWORD, role=role)
        for name, role in (
            ("admin", Role.ADMIN),
            ("risk", Role.RISK),
            ("viewer", Role.VIEWER),
            ("alice", Role.TRADER),
            ("bob", Role.TRADER),
            ("charlie", Role.TRADER),
        )
    }
    host = QmtHost.objects.create(name="sim")
    alpha = BrokerAccount.objects.create(host=host, account_no="8000000001", name="Alpha")
    beta = BrokerAccount.objects.create(host=host, account_no="8000000002", name="Beta")
    Grant.objects.create(user=people["alice"], account=alpha, trade=TradeRight.ALL)
    Grant.objects.create(user=people["bob"], account=alpha)
    Grant.objects.create(user=people["charlie"], account=beta, trade=TradeRight.ALL)
    return Team(**people, host=host, alpha=alpha, beta=beta)


def make_token(user: User, *scopes: str, days: float = 1) -> tuple[ApiToken, str]:
    """A token with these scopes, or with all of them."""
    return token_create(
        actor=TEST_ACTOR,
        user=user,
        name="test",
        scopes=scopes or list(Scope.values),
        expires_at=wall_now() + timedelta(days=days),
    )


def signed_in(user: User, **extra: Any) -> Client:
    """A browser of this person."""
    client = Client(**extra)
    client.force_login(user)
    return client


def confirmed(user: User, **extra: Any) -> Client:
    """A browser whose person has just proved again who they are (sudo)."""
    client = signed_in(user, **extra)
    session = client.session
    session["sudo"] = {"user": user.pk, "at": wall_now().timestamp()}
    session.save()
    return client
