"""Writes of teams and their members."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from accounts.models import BrokerAccount, Team, TeamMember, User
from accounts.services.control import tell_after_commit
from accounts.services.grants import grant_withdraw
from ops import audit
from ops.audit import Actor
from ops.errors import Code, Conflict


def team_add(*, actor: Actor, name: str) -> Team:
    """Make a team without members and rights.

    Raises
    ------
    Conflict
        NAME_TAKEN.
    """
    with transaction.atomic():
        _refuse_taken(name, None)
        team = Team.objects.create(name=name)
        audit.record(actor=actor, action="team.added", target=f"team:{team.pk}", after={"name": name})
    return team


def team_rename(*, actor: Actor, team: Team, name: str) -> Team:
    """Give a team another name; raises as `team_add` does."""
    with transaction.atomic():
        before = Team.objects.select_for_update().get(pk=team.pk).name
        if before != name:
            _refuse_taken(name, team.pk)
            Team.objects.filter(pk=team.pk).update(name=name)
            audit.record(
                actor=actor,
                action="team.renamed",
                target=f"team:{team.pk}",
                before={"name": before},
                after={"name": name},
            )
    team.name = name
    return team


def team_member_add(*, actor: Actor, team: Team, user: User) -> bool:
    """Let `user` have the team's rights; False if they are a member already."""
    with transaction.atomic():
        _, added = TeamMember.objects.get_or_create(team=team, user=user)
        if added:
            _record(actor, "team.member_added", team, user)
    return added


def team_member_remove(*, actor: Actor, team: Team, user: User) -> bool:
    """Take the team's rights from `user`; False if they are no member.

    Raises the epoch of every account the team holds rights on.
    """
    with transaction.atomic():
        keys = _locked_accounts(team)
        removed, _ = TeamMember.objects.filter(team=team, user=user).delete()
        if removed:
            BrokerAccount.objects.filter(pk__in=keys).update(epoch=F("epoch") + 1)
            _record(actor, "team.member_removed", team, user)
    return bool(removed)


def team_delete(*, actor: Actor, team: Team) -> None:
    """Withdraw everything the team was granted, and forget it."""
    with transaction.atomic():
        for account in BrokerAccount.objects.filter(pk__in=_locked_accounts(team)).order_by("pk"):
            grant_withdraw(actor=actor, account=account, team=team)
        members = sorted(team.members.values_list("username", flat=True))
        audit.record(
            actor=actor,
            action="team.deleted",
            target=f"team:{team.pk}",
            before={"name": team.name, "members": members},
        )
        team.delete()


def _locked_accounts(team: Team) -> list[int]:
    """The accounts the team holds rights on, locked in ascending order."""
    accounts = BrokerAccount.objects.filter(grants__team=team).order_by("pk")
    keys = sorted(set(accounts.values_list("pk", flat=True)))
    return list(
        BrokerAccount.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk", flat=True)
    )


def _refuse_taken(name: str, own_id: int | None) -> None:
    others = Team.objects.filter(name=name)
    if (others if own_id is None else others.exclude(pk=own_id)).exists():
        raise Conflict(Code.NAME_TAKEN, field="name", name=name)


def _record(actor: Actor, action: str, team: Team, user: User) -> None:
    tell_after_commit("user.changed", user_id=user.pk)
    audit.record(actor=actor, action=action, target=f"team:{team.pk}", after={"user": user.username, "team": team.name})
