"""The page of a person's own webhooks. Its content comes over REST."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.selectors import account_views
from accounts.sudo import sudo_of
from frontend.messages import browser_messages
from frontend.views import SignedInRequest
from frontend.webhook_messages import webhook_messages
from trading.ledger.choices import EventKind


@require_GET
@login_required
def webhooks(request: SignedInRequest) -> HttpResponse:
    """Make webhooks, try them, read what was delivered."""
    boot = {
        "accounts": [
            {"id": view.account.pk, "name": view.account.name, "account_no": view.account.account_no}
            for view in account_views(request.user)
        ],
        "messages": {**browser_messages(), **webhook_messages()},
    }
    context = {
        "section": "api",
        "tab": "webhooks",
        "boot": boot,
        "sudo": sudo_of(request),
        "kinds": EventKind.choices,
    }
    return render(request, "frontend/developer/webhooks.html", context)
