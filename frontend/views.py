"""Pages of the portal. Each renders a frame; live parts fill themselves over REST and the socket."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import Handover, User
from accounts.selectors import account_views
from desk.settings.schema import get_config
from frontend.forms import LoginForm, PreferencesForm
from frontend.messages import browser_messages

#: What the chart and the ticket open on before a person has chosen anything.
FIRST_SYMBOL = "600519.SH"


class SignedInRequest(HttpRequest):
    """A request behind `login_required`."""

    user: User


def _remember_language(response: HttpResponse, language: str) -> HttpResponse:
    """Keep the person's language in the cookie that the locale middleware reads."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


class PortalLoginView(LoginView):
    """Log in; afterwards the portal speaks the person's own language."""

    template_name = "frontend/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        return _remember_language(response, form.get_user().language)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(demo=get_config().env == "demo", **kwargs)


class PortalLogoutView(LogoutView):
    """Log out (POST only) and show the login page."""


def _boot(user: User) -> dict[str, Any]:
    """What a live page needs before its first request."""
    looked_after = Handover.objects.filter(successor=user, ended_at=None)
    return {
        "user": {"id": user.pk, "username": user.username},
        "own": [user.username, *looked_after.values_list("person__username", flat=True)],
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
        "messages": browser_messages(),
    }


@require_GET
@login_required
def dashboard(request: SignedInRequest) -> HttpResponse:
    """The trading desk: assets, chart, ticket, positions, orders and trades."""
    boot = _boot(request.user)
    context = {"section": "dashboard", "boot": boot, "accounts": boot["accounts"]}
    return render(request, "frontend/dashboard.html", context)


@require_GET
@login_required
def market_data(request: SignedInRequest) -> HttpResponse:
    """Requests for bars and the jobs that complete them."""
    return render(request, "frontend/data.html", {"section": "data", "boot": _boot(request.user)})


@require_http_methods(["GET", "POST"])
@login_required
def preferences(request: SignedInRequest) -> HttpResponse:
    """Language and colour convention of the person."""
    form = PreferencesForm(request.POST or None, instance=request.user)
    saved = request.method == "POST" and form.is_valid()
    if saved:
        form.save()
        translation.activate(request.user.language)
        # The form was built in the old language.
        form = PreferencesForm(instance=request.user)
    context = {"section": "preferences", "form": form, "saved": saved}
    response = render(request, "frontend/preferences.html", context)
    return _remember_language(response, request.user.language) if saved else response
