"""What waits for somebody else's approval, and the rules that make it wait. Their content comes over REST and the socket."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import User
from accounts.selectors import account_views
from accounts.sudo import sudo_of
from desk.settings.schema import get_config
from frontend.approval_messages import approval_messages
from frontend.messages import browser_messages
from frontend.money_messages import decision_messages
from frontend.views import SignedInRequest
from trading.orders.services.approval_trial import approvers_of
from trading.risk.choices import HeldSource, LimitScope


@require_GET
@login_required
def approvals(request: SignedInRequest) -> HttpResponse:
    """The queue, live; whoever may decide about an entry does so here."""
    boot = {
        "user": request.user.username,
        "messages": {**browser_messages(), **approval_messages(), **decision_messages()},
    }
    return render(request, "frontend/approvals.html", {"section": "approvals", "tab": "queue", "boot": boot})


@require_GET
@login_required
def approval_rules(request: SignedInRequest) -> HttpResponse:
    """Which orders wait; for administrators and risk officers also how to set it."""
    officer = request.user.role in SEES_EVERY_ACCOUNT
    accounts = [view.account for view in account_views(request.user)]
    deciders = approvers_of([account.pk for account in accounts])
    seconds = get_config().approval_seconds
    boot: dict[str, Any] = {
        "officer": officer,
        "approval_seconds": seconds,
        "approval_minutes": seconds // 60 or 1,
        "accounts": [
            {"id": account.pk, "name": account.name, "account_no": account.account_no} for account in accounts
        ],
        "messages": {**browser_messages(), **approval_messages()},
    }
    context = {
        "section": "approvals",
        "tab": "rules",
        "boot": boot,
        "sudo": sudo_of(request),
        "people": _people() if officer else [request.user.username],
        "scopes": LimitScope.choices,
        "sources": HeldSource.choices,
        "approvers": [(account, deciders[account.pk]) for account in accounts],
    }
    return render(request, "frontend/approvals/rules.html", context)


def _people() -> list[str]:
    return list(User.objects.filter(is_active=True).order_by("username").values_list("username", flat=True))
