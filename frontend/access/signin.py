"""Coming in: the code after the password, a forgotten password, one-time links, proving it again."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from accounts import second_factor
from accounts.mailing import mail_is_configured, reset_requested
from accounts.services import link_person, link_redeem
from accounts.signin import signin_finish, signin_pending
from accounts.sudo import sudo_begin
from frontend.access.forms import CodeForm, ConfirmForm, ForgottenForm, NewPasswordForm
from frontend.access.page import Page, safe_next, words
from frontend.language import remember_language
from ops.errors import DeskError

_LINK_KEY = "link"
guarded = (never_cache, csrf_protect, sensitive_post_parameters())


@method_decorator(guarded, name="dispatch")
class CodeView(View):
    """The second step of signing in."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if signin_pending(request) is None:
            return redirect("frontend:login")
        return self._show(request, CodeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        if signin_pending(request) is None:
            messages.info(request, _("That took too long. Log in again."))
            return redirect("frontend:login")
        form = CodeForm(request.POST)
        if not form.is_valid():
            return self._show(request, form)
        try:
            user = signin_finish(request, form.cleaned_data["code"])
        except DeskError as error:
            form.add_error(None, words(error))
            return self._show(request, form)
        return remember_language(HttpResponseRedirect(safe_next(request, "/")), user.language)

    @staticmethod
    def _show(request: HttpRequest, form: CodeForm) -> HttpResponse:
        context = {"form": form, "next": safe_next(request, "")}
        return render(request, "frontend/access/code.html", context)


@method_decorator(guarded, name="dispatch")
class ForgottenView(View):
    """Asking for a link by mail. The answer is the same whoever was meant."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request, ForgottenForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ForgottenForm(request.POST)
        if not form.is_valid() or not mail_is_configured():
            return self._show(request, form)
        reset_requested(form.cleaned_data["identifier"])
        return self._show(request, form, sent=True)

    @staticmethod
    def _show(request: HttpRequest, form: ForgottenForm, *, sent: bool = False) -> HttpResponse:
        context = {"form": form, "sent": sent, "by_mail": mail_is_configured()}
        return render(request, "frontend/access/forgotten.html", context)


@never_cache
def link_opened(request: HttpRequest, token: str) -> HttpResponse:
    """Take the secret out of the address at once: it shall not stand in a history or a referrer."""
    request.session[_LINK_KEY] = token
    return redirect("frontend:link")


@method_decorator(guarded, name="dispatch")
class LinkView(View):
    """Choosing a password by a one-time link."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request, NewPasswordForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewPasswordForm(request.POST)
        if form.is_valid():
            try:
                link_redeem(plain=request.session.get(_LINK_KEY, ""), password=form.cleaned_data["password"])
            except DeskError as error:
                form.add_error("password" if error.field else None, words(error))
            else:
                request.session.pop(_LINK_KEY, None)
                messages.success(request, _("Your password is set. Log in with it."))
                return redirect("frontend:login")
        return self._show(request, form)

    @staticmethod
    def _show(request: HttpRequest, form: NewPasswordForm) -> HttpResponse:
        try:
            person, kind = link_person(request.session.get(_LINK_KEY, ""))
        except DeskError as error:
            return render(request, "frontend/access/link.html", {"problem": words(error)}, status=error.status)
        return render(request, "frontend/access/link.html", {"form": form, "person": person, "kind": kind})


@method_decorator(sensitive_post_parameters(), name="dispatch")
class ConfirmView(Page):
    """Proving again who one is: opens dangerous acts for ten minutes."""

    template_name: ClassVar[str] = "frontend/access/confirm.html"
    section: ClassVar[str] = "security"
    acts: ClassVar[tuple[str, ...]] = ("confirm",)
    open_acts: ClassVar[tuple[str, ...]] = ("confirm",)

    def context(self) -> dict[str, Any]:
        return {
            "confirm_form": ConfirmForm(),
            "second_factor": second_factor.is_on(self.user),
            "next": safe_next(self.request, reverse("frontend:security")),
        }

    def act_confirm(self) -> HttpResponse:
        data = self.filled(ConfirmForm(self.request.POST))
        sudo_begin(self.request, password=data["password"], code=data["code"])
        return HttpResponseRedirect(safe_next(self.request, reverse("frontend:security")))
