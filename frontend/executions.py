"""The page of executions: baskets, targets, splits and windows. Its content comes over REST and the socket."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from frontend.execution_messages import execution_messages
from frontend.messages import browser_messages
from frontend.views import SignedInRequest, account_boot
from trading.execution.choices import Kind
from trading.execution.wishes import FIELDS
from trading.orders.choices import PriceType


@require_GET
@login_required
def executions(request: SignedInRequest) -> HttpResponse:
    """Ask for an execution, and watch those of an account."""
    boot = account_boot(request.user) | {
        "price_types": PriceType.values,
        "messages": {**browser_messages(), **execution_messages()},
    }
    kinds = [(kind, Kind(kind).label) for kind in FIELDS]
    context = {"section": "executions", "boot": boot, "kinds": kinds, "price_types": PriceType.choices}
    return render(request, "frontend/executions.html", context)
