"""Pages of executions and of new issues. Their content comes over REST and the socket."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from desk.settings.schema import get_config
from frontend.execution_messages import execution_messages
from frontend.issue_messages import issue_messages
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
    context = {
        "section": "executions",
        "tab": "executions",
        "boot": boot,
        "kinds": kinds,
        "price_types": PriceType.choices,
    }
    return render(request, "frontend/executions.html", context)


@require_GET
@login_required
def new_issues(request: SignedInRequest) -> HttpResponse:
    """Subscribe today's new issues on every account one trades, now or by plan."""
    boot = account_boot(request.user) | {"messages": {**browser_messages(), **issue_messages()}}
    context = {"section": "executions", "tab": "new-issues", "boot": boot, "ipo_time": get_config().ipo_time}
    return render(request, "frontend/executions/newissues.html", context)
