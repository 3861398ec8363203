"""The one permission rule: who sees and who trades which account."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.choices import Role
from accounts.models import BrokerAccount, Grant, User
from accounts.selectors import account_get, account_views, may_cancel, may_trade
from ops.errors import Code, NotFound
from tests.people import Team


def names(user: User | AnonymousUser, *, tradable: bool = False) -> list[str]:
    rule = BrokerAccount.objects.tradable_by if tradable else BrokerAccount.objects.visible_to
    return [account.name for account in rule(user)]


@pytest.mark.parametrize(
    ("person", "seen", "traded"),
    [
        ("admin", ["Alpha", "Beta"], []),
        ("risk", ["Alpha", "Beta"], []),
        ("viewer", [], []),
        ("alice", ["Alpha"], ["Alpha"]),
        ("bob", ["Alpha"], []),
        ("charlie", ["Beta"], ["Beta"]),
    ],
)
def test_visibility_per_role_and_grant(team: Team, person: str, seen: list[str], traded: list[str]) -> None:
    user = getattr(team, person)
    assert names(user) == seen
    assert names(user, tradable=True) == traded


def test_visibility_anonymous_sees_nothing(team: Team) -> None:
    assert names(AnonymousUser()) == []
    assert names(AnonymousUser(), tradable=True) == []


@pytest.mark.parametrize("person", ["admin", "risk", "alice"])
def test_visibility_deactivated_sees_nothing(team: Team, person: str) -> None:
    user = getattr(team, person)
    user.is_active = False
    assert names(user) == []
    assert names(user, tradable=True) == []


def test_visibility_unknown_role_without_grant_sees_nothing(team: Team) -> None:
    team.viewer.role = "INTERN"
    assert names(team.viewer) == []


def test_trading_admin_with_grant_trades(team: Team) -> None:
    Grant.objects.create(user=team.admin, account=team.beta, trade="ALL")
    assert names(team.admin, tradable=True) == ["Beta"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.RISK])
def test_trading_grant_of_a_role_that_never_trades_is_void(team: Team, role: Role) -> None:
    team.alice.role = role
    assert names(team.alice, tradable=True) == []


def test_trading_disabled_account_cancels_but_does_not_trade(team: Team) -> None:
    BrokerAccount.objects.update(enabled=False)
    assert not may_trade(team.alice, team.alpha)
    assert may_cancel(team.alice, team.alpha, owner_id=team.bob.pk)


def test_account_get_not_yours_and_unknown_are_the_same(team: Team) -> None:
    refusals = []
    for account_id in (team.beta.pk, 999_999, 10**30):
        with pytest.raises(NotFound) as refused:
            account_get(team.alice, account_id)
        assert refused.value.code == Code.ACCOUNT_NOT_FOUND
        body = refused.value.as_dict()
        refusals.append(str(body).replace(str(account_id), "ID"))
    assert len(set(refusals)) == 1


def test_account_views_one_query_for_any_number(team: Team, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(1):
        views = account_views(team.admin)
    assert [(view.account.name, view.can_trade, view.can_resume) for view in views] == [
        ("Alpha", False, True),
        ("Beta", False, True),
    ]
