"""What the pages about people share: who may open them, acts by form, refusals in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import View

from accounts.actors import actor_for_user
from accounts.models import User
from accounts.sudo import sudo_of
from frontend.code_messages import CODE_MESSAGES
from ops.audit import Actor
from ops.errors import DeskError

Act = Callable[["Page"], HttpResponse | None]


class Refused(Exception):
    """A form that does not hold: the page is shown again with its words."""

    def __init__(self, form: forms.BaseForm) -> None:
        super().__init__("refused")
        self.form = form


class Page(View):
    """One page with its acts: a form posts ``act``, the method of that name does it.

    An act returns None to come back to the page, or a response of its own (something that is
    shown once). Acts in `open_acts` need no fresh proof of identity, all others do.
    """

    template_name: ClassVar[str]
    section: ClassVar[str]
    admins_only: ClassVar[bool] = False
    #: The page itself is dangerous to look at (it shows a secret, or asks for the last word).
    confirmed_only: ClassVar[bool] = False
    acts: ClassVar[tuple[str, ...]] = ()
    open_acts: ClassVar[tuple[str, ...]] = ()
    #: Acts of administrators on a page that others may open too.
    admin_acts: ClassVar[tuple[str, ...]] = ()

    request: HttpRequest

    # ---------------------------------------------------------------------- who
    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    @property
    def actor(self) -> Actor:
        return actor_for_user(self.user)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if self.admins_only and not self.user.is_admin:
            raise PermissionDenied
        if self.confirmed_only and sudo_of(request) is None:
            return to_confirm(request)
        response = super().dispatch(request, *args, **kwargs)
        # Pages about people are nobody else's, and what they show once is not kept.
        response["Cache-Control"] = "no-store"
        return response

    # --------------------------------------------------------------------- what
    def context(self) -> dict[str, Any]:
        """What the template shows."""
        return {}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.show()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.POST.get("act", "")
        if name not in self.acts:
            return self.show(status=400)
        if name in self.admin_acts and not self.user.is_admin:
            raise PermissionDenied
        if name not in self.open_acts and sudo_of(request) is None:
            messages.info(request, _("Confirm that it is you, then try again."))
            return to_confirm(request)
        try:
            response = getattr(self, f"act_{name}")()
        except Refused as refused:
            return self.show(status=400, **{f"{name}_form": refused.form})
        except DeskError as error:
            messages.error(request, words(error))
            return self.show(status=error.status)
        return response if response is not None else HttpResponseRedirect(request.path)

    def show(self, *, status: int = 200, **more: Any) -> HttpResponse:
        """The page, with `more` laid over its context."""
        context = {"section": self.section, "sudo": sudo_of(self.request), **self.context(), **more}
        return render(self.request, self.template_name, context, status=status)

    def filled(self, form: forms.Form) -> dict[str, Any]:
        """The data of a form that holds; otherwise the page is shown again."""
        if not form.is_valid():
            raise Refused(form)
        return form.cleaned_data

    def say(self, text: str) -> None:
        """A word of success on the next page."""
        messages.success(self.request, text)


def words(error: DeskError) -> str:
    """A refusal as people read it: its sentence, its code, its facts."""
    if error.message and not error.message.startswith(str(error.code)):
        return error.message
    facts = error.message.removeprefix(str(error.code)).removeprefix(":").strip()
    return f"{CODE_MESSAGES[error.code]} {error.code}" + (f": {facts}" if facts else "")


def to_confirm(request: HttpRequest) -> HttpResponse:
    """The way to the page that asks for the password again, and back here."""
    return HttpResponseRedirect(f"{settings.SUDO_URL}?{urlencode({'next': request.get_full_path()})}")


def safe_next(request: HttpRequest, default: str) -> str:
    """Where to go afterwards: an address of this site, never another one."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    allowed = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if allowed else default
