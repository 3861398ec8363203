"""People, for administrators: invite them, decide what they are, let them go."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from accounts import second_factor
from accounts.choices import LinkKind, Role
from accounts.mailing import LINK_PATH, link_mail, mail_is_configured
from accounts.models import ApiToken, Grant, Handover, OneTimeLink, SecondFactor, User
from accounts.services import (
    link_create,
    person_deactivate,
    person_invite,
    person_reactivate,
    sessions_end_all,
    token_revoke,
    user_change,
)
from accounts.services.sessions import sessions_of
from frontend.access.forms import DeactivateForm, InviteForm, PersonForm
from frontend.access.page import Page
from frontend.access.work import work_rows
from ops.clocks import wall_now
from ops.errors import Code, NotFound
from ops.handover import open_work


class PeopleView(Page):
    """Everybody, and the form that invites one more."""

    template_name: ClassVar[str] = "frontend/access/people.html"
    section: ClassVar[str] = "people"
    admins_only: ClassVar[bool] = True
    acts: ClassVar[tuple[str, ...]] = ("invite",)

    def context(self) -> dict[str, Any]:
        waiting = OneTimeLink.objects.filter(
            user=OuterRef("pk"), kind=LinkKind.INVITE, used_at=None, expires_at__gt=wall_now()
        )
        people = User.objects.annotate(
            invited=Exists(waiting),
            protected=Exists(SecondFactor.objects.filter(user=OuterRef("pk"), confirmed_at__isnull=False)),
        )
        return {
            "people": people.prefetch_related("teams").order_by("-is_active", "username"),
            "invite_form": InviteForm(),
            "by_mail": mail_is_configured(),
        }

    def act_invite(self) -> HttpResponse:
        data = self.filled(InviteForm(self.request.POST))
        data["role"] = Role(data["role"])
        person, plain = person_invite(actor=self.actor, created_by=self.user, **data)
        return self.show(**shown_link(self.request, person, LinkKind.INVITE, plain))


class PersonView(Page):
    """One person: what they are, what they hold, and the acts on them."""

    template_name: ClassVar[str] = "frontend/access/person.html"
    section: ClassVar[str] = "people"
    admins_only: ClassVar[bool] = True
    acts: ClassVar[tuple[str, ...]] = (
        "change",
        "link",
        "second_factor",
        "sessions",
        "token",
        "deactivate",
        "reactivate",
    )

    @property
    def person(self) -> User:
        return get_object_or_404(User, pk=self.kwargs["user_id"])

    def context(self) -> dict[str, Any]:
        person = self.person
        fields = {name: getattr(person, name) for name in ("first_name", "email", "role")}
        return {
            "person": person,
            "change_form": PersonForm(initial=fields),
            "deactivate_form": DeactivateForm(person),
            "protected": second_factor.is_on(person),
            "grants": Grant.objects.of(person).select_related("account", "team"),
            "teams": person.teams.all(),
            "sessions": sessions_of(person),
            "tokens": ApiToken.objects.filter(user=person, revoked_at=None),
            "work": work_rows(item.as_dict() for item in open_work(person.pk)),
            "handovers": Handover.objects.filter(person=person).select_related("successor", "created_by"),
        }

    def act_change(self) -> None:
        data = self.filled(PersonForm(self.request.POST))
        user_change(actor=self.actor, user=self.person, changes=data)
        self.say(_("Saved."))

    def act_link(self) -> HttpResponse:
        person = self.person
        kind = LinkKind.RESET if person.has_usable_password() else LinkKind.INVITE
        plain = link_create(actor=self.actor, user=person, kind=kind, created_by=self.user)
        return self.show(**shown_link(self.request, person, kind, plain))

    def act_second_factor(self) -> None:
        if second_factor.second_factor_remove(actor=self.actor, user=self.person):
            self.say(_("The second factor is off."))

    def act_sessions(self) -> None:
        count = sessions_end_all(actor=self.actor, user=self.person)
        self.say(_("{count} sessions have ended.").format(count=count))

    def act_token(self) -> None:
        text = self.request.POST.get("token", "")
        key = int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
        token = ApiToken.objects.filter(user=self.person, pk=key).first()
        if token is None:
            raise NotFound(Code.TOKEN_NOT_FOUND)
        if token_revoke(actor=self.actor, token=token):
            self.say(_("The token has ended."))

    def act_deactivate(self) -> HttpResponse:
        person = self.person
        data = self.filled(DeactivateForm(person, self.request.POST))
        person_deactivate(
            actor=self.actor,
            user=person,
            successor=data["successor"],
            transfer_grants=data["transfer_grants"],
            created_by=self.user,
        )
        self.say(_("{name} is deactivated. Every session and token has ended.").format(name=person.username))
        return redirect("frontend:person", user_id=person.pk)

    def act_reactivate(self) -> None:
        person_reactivate(actor=self.actor, user=self.person)
        self.say(
            _("{name} may sign in again. Rights on accounts have to be given anew.").format(name=self.person.username)
        )


def shown_link(request: HttpRequest, person: User, kind: LinkKind, plain: str) -> dict[str, Any]:
    """What a page shows of a new link, once; mailed too, where that is possible."""
    mailed = mail_is_configured() and bool(person.email) and link_mail(person, kind, plain)
    return {
        "link": request.build_absolute_uri(f"{LINK_PATH}{plain}/"),
        "link_person": person,
        "link_mailed": mailed,
    }
