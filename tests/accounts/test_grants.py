"""Grants of persons and teams: own and all, duties, expiry, and what each change does to queued orders."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.choices import TradeRight
from accounts.models import BrokerAccount, Grant, TeamMember, User
from accounts.models import Team as Group
from accounts.selectors import may_cancel, may_halt, may_resume, may_trade
from accounts.services import (
    grant_set,
    grant_withdraw,
    grants_expire,
    team_add,
    team_delete,
    team_member_add,
    team_member_remove,
    team_rename,
)
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Denied, Invalid
from ops.models import AuditEvent
from tests.people import TEST_ACTOR, Team

pytestmark = pytest.mark.postgres


def epoch(account: BrokerAccount) -> int:
    return BrokerAccount.objects.get(pk=account.pk).epoch


def sees(user: User, account: BrokerAccount) -> bool:
    return BrokerAccount.objects.visible_to(user).filter(pk=account.pk).exists()


@pytest.fixture
def desk(team: Team) -> Group:
    """A team of bob's that may trade Beta."""
    group = team_add(actor=TEST_ACTOR, name="desk")
    team_member_add(actor=TEST_ACTOR, team=group, user=team.bob)
    grant_set(actor=TEST_ACTOR, team=group, account=team.beta, trade=TradeRight.OWN)
    return group


# --------------------------------------------------------------------- own and all
def test_own_cancels_own_orders_only(team: Team) -> None:
    grant_set(actor=TEST_ACTOR, user=team.bob, account=team.alpha, trade=TradeRight.OWN)
    assert may_trade(team.bob, team.alpha)
    assert may_cancel(team.bob, team.alpha, owner_id=team.bob.pk)
    assert not may_cancel(team.bob, team.alpha, owner_id=team.alice.pk)
    assert not may_cancel(team.bob, team.alpha, owner_id=None)


def test_all_cancels_everybodys_and_foreign_orders(team: Team) -> None:
    for owner_id in (team.alice.pk, team.bob.pk, None):
        assert may_cancel(team.alice, team.alpha, owner_id=owner_id)


def test_view_cancels_not_even_what_one_placed_before(team: Team) -> None:
    assert not may_cancel(team.bob, team.alpha, owner_id=team.bob.pk)


@pytest.mark.parametrize("person", ["viewer", "risk"])
def test_trading_is_not_granted_to_who_never_trades(team: Team, person: str) -> None:
    with pytest.raises(Denied) as refused:
        grant_set(actor=TEST_ACTOR, user=getattr(team, person), account=team.alpha, trade=TradeRight.OWN)
    assert refused.value.code == Code.ROLE_CANNOT_TRADE
    assert not Grant.objects.filter(user=getattr(team, person)).exists()


@pytest.mark.parametrize("duty", ["can_approve", "can_manage", "can_move_money"])
def test_duties_are_not_granted_to_viewers(team: Team, duty: str) -> None:
    with pytest.raises(Denied) as refused:
        grant_set(
            actor=TEST_ACTOR,
            user=team.viewer,
            account=team.alpha,
            can_approve=duty == "can_approve",
            can_manage=duty == "can_manage",
            can_move_money=duty == "can_move_money",
        )
    assert refused.value.code == Code.ROLE_CANNOT_HOLD


def test_manager_halts_and_resumes_without_trading(team: Team) -> None:
    grant_set(actor=TEST_ACTOR, user=team.bob, account=team.alpha, can_manage=True)
    assert (may_halt(team.bob, team.alpha), may_resume(team.bob, team.alpha)) == (True, True)
    assert not may_trade(team.bob, team.alpha)
    assert not may_resume(team.alice, team.alpha)


def test_approval_is_a_right_of_its_own(team: Team) -> None:
    grant_set(actor=TEST_ACTOR, user=team.bob, account=team.alpha, can_approve=True)
    assert list(BrokerAccount.objects.approvable_by(team.bob)) == [team.alpha]
    assert not BrokerAccount.objects.approvable_by(team.alice).exists()


# ----------------------------------------------------------------------------- teams
def test_team_members_have_the_teams_rights(team: Team, desk: Group) -> None:
    assert may_trade(team.bob, team.beta)
    assert not sees(team.alice, team.beta)
    team_member_add(actor=TEST_ACTOR, team=desk, user=team.alice)
    assert may_trade(team.alice, team.beta)


def test_team_gives_a_viewer_no_more_than_the_role(team: Team, desk: Group) -> None:
    team_member_add(actor=TEST_ACTOR, team=desk, user=team.viewer)
    assert sees(team.viewer, team.beta)
    assert not may_trade(team.viewer, team.beta)


def test_team_left_takes_the_rights_and_raises_the_epoch(team: Team, desk: Group) -> None:
    before = epoch(team.beta)
    assert team_member_remove(actor=TEST_ACTOR, team=desk, user=team.bob)
    assert not sees(team.bob, team.beta)
    assert epoch(team.beta) == before + 1
    assert AuditEvent.objects.get(action="team.member_removed").after == {"user": "bob", "team": "desk"}


def test_team_deleted_withdraws_everything(team: Team, desk: Group) -> None:
    before = epoch(team.beta)
    team_delete(actor=TEST_ACTOR, team=desk)
    assert not sees(team.bob, team.beta)
    assert epoch(team.beta) == before + 1
    assert not TeamMember.objects.exists()
    assert AuditEvent.objects.get(action="team.deleted").before == {"name": "desk", "members": ["bob"]}


def test_own_grant_remains_when_the_teams_is_withdrawn(team: Team, desk: Group) -> None:
    grant_set(actor=TEST_ACTOR, user=team.bob, account=team.beta)
    grant_withdraw(actor=TEST_ACTOR, team=desk, account=team.beta)
    assert sees(team.bob, team.beta)
    assert not may_trade(team.bob, team.beta)


def test_team_names_are_unique(team: Team, desk: Group) -> None:
    with pytest.raises(Conflict):
        team_add(actor=TEST_ACTOR, name="desk")
    other = team_add(actor=TEST_ACTOR, name="other")
    with pytest.raises(Conflict):
        team_rename(actor=TEST_ACTOR, team=other, name="desk")


def test_grant_is_for_one_holder(team: Team, desk: Group) -> None:
    with pytest.raises(ValueError, match="one person or"):
        grant_set(actor=TEST_ACTOR, account=team.alpha)
    with pytest.raises(ValueError, match="one person or"):
        grant_set(actor=TEST_ACTOR, account=team.alpha, user=team.bob, team=desk)


# ---------------------------------------------------------------------------- expiry
def test_grant_past_its_time_counts_for_nothing_before_anybody_removes_it(team: Team) -> None:
    Grant.objects.filter(user=team.alice).update(expires_at=wall_now() - timedelta(milliseconds=20))
    assert not sees(team.alice, team.alpha)
    assert not may_trade(team.alice, team.alpha)
    assert not may_cancel(team.alice, team.alpha, owner_id=team.alice.pk)


def test_grant_not_yet_past_its_time_counts(team: Team) -> None:
    Grant.objects.filter(user=team.alice).update(expires_at=wall_now() + timedelta(seconds=5))
    assert may_trade(team.alice, team.alpha)
    assert grants_expire() == 0


def test_expired_grant_is_removed_once_with_epoch_and_audit(team: Team) -> None:
    Grant.objects.filter(user=team.alice).update(expires_at=wall_now() - timedelta(seconds=1))
    before = epoch(team.alpha)
    assert (grants_expire(), grants_expire()) == (1, 0)
    assert epoch(team.alpha) == before + 1
    assert not Grant.objects.filter(user=team.alice).exists()
    event = AuditEvent.objects.get(action="grant.expired")
    assert (event.actor_label, event.target, event.chain) == (
        "grant-expiry",
        f"user:{team.alice.pk}",
        f"account:{team.alpha.pk}",
    )


def test_grant_born_expired_is_refused(team: Team) -> None:
    with pytest.raises(Invalid) as refused:
        grant_set(actor=TEST_ACTOR, user=team.bob, account=team.beta, expires_at=wall_now())
    assert refused.value.code == Code.EXPIRY_IN_PAST


def test_anything_may_not_be_stored_without_a_holder(team: Team) -> None:
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(account=team.alpha)
