"""The one permission rule: who sees and who trades which account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.choices import Role
from accounts.models import BrokerAccount, Grant, TeamMember, User
from accounts.models import Team as DeskTeam
from accounts.selectors import account_get, account_to_trade, account_views, may_cancel, may_trade
from ops.clocks import wall_now
from ops.errors import Code, Forbidden, NotFound
from tests.people import Team


def names(user: User | AnonymousUser, *, tradable: bool = False) -> list[str]:
    rule = BrokerAccount.objects.tradable_by if tradable else BrokerAccount.objects.visible_to
    found = [account.name for account in rule(user)]
    if tradable:
        assert found == [account.name for account in BrokerAccount.objects.all() if can_place(user, account.pk)]
    return found


def can_place(user: User | AnonymousUser, account_id: int) -> bool:
    """What a submission asks: the same rule, compiled once."""
    try:
        return account_to_trade(user, account_id).pk == account_id
    except (Forbidden, NotFound):
        return False


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


def test_trading_right_through_a_team(team: Team) -> None:
    squad = DeskTeam.objects.create(name="squad")
    Grant.objects.create(team=squad, account=team.beta, trade="OWN")
    assert names(team.bob, tradable=True) == []
    TeamMember.objects.create(team=squad, user=team.bob)
    assert names(team.bob, tradable=True) == ["Beta"]
    TeamMember.objects.all().delete()
    assert names(team.bob, tradable=True) == []


def test_trading_right_ends_with_its_grants_time(team: Team) -> None:
    grants = Grant.objects.filter(user=team.alice, account=team.alpha)
    grants.update(expires_at=wall_now() + timedelta(hours=1))
    assert names(team.alice, tradable=True) == ["Alpha"]
    grants.update(expires_at=wall_now() - timedelta(seconds=1))
    assert names(team.alice, tradable=True) == []


def test_trading_by_a_token_is_limited_to_its_accounts(team: Team) -> None:
    team.alice.account_limit = frozenset({team.beta.pk})
    assert names(team.alice, tradable=True) == []
    team.alice.account_limit = frozenset({team.alpha.pk})
    assert names(team.alice, tradable=True) == ["Alpha"]


def test_trading_disabled_account_cannot_be_placed_on(team: Team) -> None:
    BrokerAccount.objects.update(enabled=False)
    assert names(team.alice, tradable=True) == []


def test_trading_account_beyond_any_number_is_not_found(team: Team) -> None:
    with pytest.raises(NotFound):
        account_to_trade(team.alice, 10**30)


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
