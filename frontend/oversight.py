"""Pages about alerts, the audit trail and the configuration. Their content comes over REST and the socket."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import BrokerAccount, User
from alerts.choices import ChannelKind
from frontend.messages import browser_messages
from frontend.oversight_messages import oversight_messages
from frontend.views import SignedInRequest
from ops.models import AlertKind, Severity


def _boot(user: User) -> dict[str, Any]:
    accounts = BrokerAccount.objects.visible_to(user).order_by("pk")
    trades = BrokerAccount.objects.cancellable_by(user).exists()
    return {
        "accounts": [{"id": account.pk, "name": account.name} for account in accounts],
        "may_acknowledge": user.role in SEES_EVERY_ACCOUNT or trades,
        "messages": {**browser_messages(), **oversight_messages()},
    }


@require_GET
@login_required
def alerts(request: SignedInRequest) -> HttpResponse:
    """Alerts the person may see, with acknowledgement."""
    return render(request, "frontend/alerts.html", {"section": "alerts", "boot": _boot(request.user)})


@require_GET
@login_required
def alert_settings(request: SignedInRequest) -> HttpResponse:
    """The person's own channels, subscriptions, quiet hours and delivery log."""
    context = {
        "section": "alerts",
        "boot": _boot(request.user),
        "channel_kinds": ChannelKind.choices,
        "severities": Severity.choices,
        "kinds": AlertKind.choices,
    }
    return render(request, "frontend/alert_settings.html", context)


@require_GET
@login_required
def audit(request: SignedInRequest) -> HttpResponse:
    """Search and proof of the audit trail, for administrators and risk officers."""
    if request.user.role not in SEES_EVERY_ACCOUNT:
        raise PermissionDenied
    return render(request, "frontend/audit.html", {"section": "audit", "boot": _boot(request.user)})


@require_GET
@login_required
def configuration(request: SignedInRequest) -> HttpResponse:
    """The configuration in force, for administrators."""
    if not request.user.is_admin:
        raise PermissionDenied
    return render(request, "frontend/configuration.html", {"section": "configuration", "boot": _boot(request.user)})
