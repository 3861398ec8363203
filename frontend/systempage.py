"""The page about the system itself, for administrators. Its content comes over REST, again every few seconds."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import BrokerAccount
from frontend.messages import browser_messages
from frontend.system_messages import system_messages
from frontend.views import SignedInRequest


@require_GET
@login_required
def system(request: SignedInRequest) -> HttpResponse:
    """Processes, queues, order latency, hosts, storage and versions."""
    if not request.user.is_admin:
        raise PermissionDenied
    accounts = BrokerAccount.objects.visible_to(request.user).order_by("pk")
    boot = {
        "accounts": [{"id": account.pk, "name": account.name} for account in accounts],
        "messages": {**browser_messages(), **system_messages()},
    }
    return render(request, "frontend/system.html", {"section": "configuration", "boot": boot})
