"""Pages of the portal. Each renders a frame; live parts fill themselves over REST and the socket."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_GET, require_http_methods

from accounts.actors import actor_for_user
from accounts.models import Handover, User
from accounts.selectors import account_views
from accounts.services import user_save
from accounts.signin import signin_begin
from desk.settings.schema import get_config
from frontend.forms import LoginForm, PreferencesForm
from frontend.language import remember_language
from frontend.ticket import ticket_boot

#: What the chart and the ticket open on before a person has chosen anything.
FIRST_SYMBOL = "600519.SH"


class SignedInRequest(HttpRequest):
    """A request behind `login_required`."""

    user: User


class PortalLoginView(LoginView):
    """Log in; afterwards the portal speaks the person's own language."""

    template_name = "frontend/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        following = self.get_success_url()
        if signin_begin(self.request, user):
            return remember_language(HttpResponseRedirect(following), user.language)
        query = urlencode({"next": following})
        return HttpResponseRedirect(f"{reverse('frontend:code')}?{query}")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(demo=get_config().env == "demo", **kwargs)


class PortalLogoutView(LogoutView):
    """Log out (POST only) and show the login page."""


def own_names(user: User) -> list[str]:
    """Whose doings count as the own of `user`: themselves, and whomever they follow."""
    looked_after = Handover.objects.filter(successor=user, ended_at=None)
    return [user.username, *looked_after.values_list("person__username", flat=True)]


def account_boot(user: User) -> dict[str, Any]:
    """What a live page needs before its first request."""
    return {
        "user": {"id": user.pk, "username": user.username},
        "own": own_names(user),
        "symbol": FIRST_SYMBOL,
        "accounts": [
            {
                "id": view.account.pk,
                "name": view.account.name,
                "account_no": view.account.account_no,
                "mode": view.account.mode,
                "state": view.account.state,
                "can_trade": view.can_trade,
                "can_trade_all": view.can_trade_all,
            }
            for view in account_views(user)
        ],
    }


@require_GET
@login_required
def dashboard(request: SignedInRequest) -> HttpResponse:
    """The trading desk: assets, chart, ticket, positions, orders and trades."""
    boot = {**account_boot(request.user), **ticket_boot()}
    context = {"section": "dashboard", "boot": boot, "accounts": boot["accounts"]}
    return render(request, "frontend/dashboard.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def preferences(request: SignedInRequest) -> HttpResponse:
    """Language, colour convention and time zone of the person."""
    form = PreferencesForm(request.POST or None, instance=request.user)
    saved = request.method == "POST" and form.is_valid()
    if saved:
        user_save(actor=actor_for_user(request.user), user=form.save(commit=False))
        translation.activate(request.user.language)
        # The form was built in the old language.
        form = PreferencesForm(instance=request.user)
    context = {"section": "preferences", "form": form, "saved": saved}
    response = render(request, "frontend/preferences.html", context)
    return remember_language(response, request.user.language) if saved else response
