"""Teams and the rights on accounts, for administrators."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from accounts.models import BrokerAccount, Grant, Team, User
from accounts.services import grant_set, grant_withdraw, team_add, team_delete, team_member_add, team_member_remove
from frontend.access.forms import GrantForm, MemberForm, TeamForm
from frontend.access.page import Page


class TeamsView(Page):
    """Who holds which rights, account by account; and the teams."""

    template_name: ClassVar[str] = "frontend/access/teams.html"
    section: ClassVar[str] = "teams"
    admins_only: ClassVar[bool] = True
    acts: ClassVar[tuple[str, ...]] = (
        "grant",
        "withdraw",
        "team_add",
        "team_delete",
        "member_add",
        "member_remove",
    )

    def context(self) -> dict[str, Any]:
        grants = Grant.objects.in_force().select_related("user", "team", "created_by")
        chosen = self.request.GET
        initial = {name: chosen[name] for name in ("holder", "account") if name in chosen}
        return {
            "accounts": BrokerAccount.objects.select_related("host").prefetch_related(
                Prefetch("grants", queryset=grants.order_by("team__name", "user__username"), to_attr="grants_in_force")
            ),
            "teams": Team.objects.prefetch_related("members"),
            "grant_form": GrantForm(initial=initial),
            "team_add_form": TeamForm(),
            "member_add_form": MemberForm(),
        }

    # ------------------------------------------------------------------ grants
    def act_grant(self) -> None:
        form = GrantForm(self.request.POST)
        self.filled(form)
        grant_set(actor=self.actor, created_by=self.user, **form.service_arguments())
        self.say(_("The rights are given."))

    def act_withdraw(self) -> None:
        grant = get_object_or_404(Grant.objects.select_related("user", "team", "account"), pk=self._key("grant"))
        if grant_withdraw(actor=self.actor, user=grant.user, team=grant.team, account=grant.account):
            self.say(_("The rights are withdrawn."))

    # ------------------------------------------------------------------- teams
    def act_team_add(self) -> None:
        team_add(actor=self.actor, name=self.filled(TeamForm(self.request.POST))["name"])

    def act_team_delete(self) -> None:
        team = self._team()
        team_delete(actor=self.actor, team=team)
        self.say(_("The team {name} is gone, and its rights with it.").format(name=team.name))

    def act_member_add(self) -> None:
        member = self.filled(MemberForm(self.request.POST))["user"]
        team_member_add(actor=self.actor, team=self._team(), user=member)

    def act_member_remove(self) -> None:
        member = get_object_or_404(User, pk=self._key("user"))
        team_member_remove(actor=self.actor, team=self._team(), user=member)

    def _team(self) -> Team:
        return get_object_or_404(Team, pk=self._key("team"))

    def _key(self, name: str) -> int:
        text = self.request.POST.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
