"""Pages about what trades by itself. Each renders a frame; its content comes over REST and the socket."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.selectors import account_views
from frontend.exit_messages import exit_messages
from frontend.messages import browser_messages
from frontend.views import SignedInRequest
from trading.grids.terms import NAMES as GRID_TERMS
from trading.grids.terms import RANGES as GRID_RANGES
from trading.grids.terms import TEMPLATES
from trading.ledger.wire import plain
from trading.signals.terms import DEFAULT, RANGES


def _accounts(user: User) -> list[dict[str, Any]]:
    return [
        {
            "id": view.account.pk,
            "name": view.account.name,
            "account_no": view.account.account_no,
            "can_trade": view.can_trade,
            "auto_trading": view.account.auto_trading,
        }
        for view in account_views(user)
    ]


def _exits_boot(user: User) -> dict[str, Any]:
    return {
        "user": {"id": user.pk, "username": user.username},
        "accounts": _accounts(user),
        "terms": DEFAULT.as_json(),
        "ranges": {name: [str(least), str(most)] for name, (least, most) in RANGES.items()},
        "grid_ranges": {name: [plain(low), plain(high)] for name, (low, high) in GRID_RANGES.items()},
        "grid_templates": {name: terms.view() for name, terms in TEMPLATES.items()},
        "messages": {**browser_messages(), **exit_messages()},
    }


@require_GET
@login_required
def exits(request: SignedInRequest) -> HttpResponse:
    """Exit plans with today's trigger prices, grids, and the signals of both."""
    context = {
        "section": "strategies",
        "tab": "exits",
        "boot": _exits_boot(request.user),
        "templates": list(TEMPLATES),
        "grid_terms": [name for name in GRID_RANGES if name in GRID_TERMS],
    }
    return render(request, "frontend/strategies/exits.html", context)
