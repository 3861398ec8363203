"""The risk page: limits, their usage, trading states, the kill switch. Its content comes over REST."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.choices import SEES_EVERY_ACCOUNT, TradingState
from accounts.models import User
from accounts.selectors import account_views
from accounts.sudo import sudo_of
from frontend.messages import browser_messages
from frontend.risk_messages import risk_messages
from frontend.views import SignedInRequest
from trading.orders.choices import PriceType
from trading.risk.catalogue import ACCOUNT_ONLY, CATALOGUE
from trading.risk.choices import LimitScope, Unit


def _boot(user: User) -> dict[str, Any]:
    officer = user.role in SEES_EVERY_ACCOUNT
    return {
        "user": user.username,
        "officer": officer,
        "may_resume_myself": user.is_admin,
        "people": _people() if officer else [],
        "accounts": [
            {
                "id": view.account.pk,
                "name": view.account.name,
                "account_no": view.account.account_no,
                "can_trade": view.can_trade,
                "can_halt": view.can_halt,
                "can_resume": view.can_resume,
            }
            for view in account_views(user)
        ],
        "kinds": [
            {
                "kind": str(kind),
                "unit": str(rule.unit),
                "has_value": rule.unit is not Unit.NONE,
                "whole": rule.whole,
                "params": {name: required for name, (_reader, required) in rule.params.items()},
                "account_only": kind in ACCOUNT_ONLY,
            }
            for kind, rule in CATALOGUE.items()
        ],
        "price_types": PriceType.values,
        "messages": {**browser_messages(), **risk_messages()},
    }


def _people() -> list[str]:
    return list(User.objects.filter(is_active=True).order_by("username").values_list("username", flat=True))


@require_GET
@login_required
def risk(request: SignedInRequest) -> HttpResponse:
    """What bounds orders and how much of it is used; for officers also how to set it."""
    boot = _boot(request.user)
    context = {
        "section": "risk",
        "boot": boot,
        "sudo": sudo_of(request),
        "states": TradingState.choices,
        "scopes": LimitScope.choices,
    }
    return render(request, "frontend/risk.html", context)
