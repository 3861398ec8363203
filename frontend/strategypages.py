"""Pages about what trades by itself. Each renders a frame; its content comes over REST and the socket."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.choices import Role
from accounts.models import User
from accounts.selectors import account_views
from frontend.exit_messages import exit_messages
from frontend.messages import browser_messages
from frontend.strategy_messages import strategy_messages
from frontend.views import SignedInRequest
from trading.backtest.plots import NAMES as PLOTS
from trading.barrules.choices import RulePeriod
from trading.barrules.services import AMOUNT_LEAST, AMOUNT_MOST
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
            "can_halt": view.can_halt,
            "can_resume": view.can_resume,
        }
        for view in account_views(user)
    ]


def _boot(user: User, messages: dict[str, str]) -> dict[str, Any]:
    return {
        "user": {"id": user.pk, "username": user.username},
        "accounts": _accounts(user),
        "messages": {**browser_messages(), **messages},
    }


def _exits_boot(user: User) -> dict[str, Any]:
    return _boot(user, exit_messages()) | {
        "terms": DEFAULT.as_json(),
        "ranges": {name: [str(least), str(most)] for name, (least, most) in RANGES.items()},
        "grid_ranges": {name: [plain(low), plain(high)] for name, (low, high) in GRID_RANGES.items()},
        "macd_amount": [plain(AMOUNT_LEAST), plain(AMOUNT_MOST)],
        "grid_templates": {name: terms.view() for name, terms in TEMPLATES.items()},
    }


@require_GET
@login_required
def exits(request: SignedInRequest) -> HttpResponse:
    """Exit plans with today's trigger prices, the MACD rule, grids, and the signals of all."""
    context = {
        "section": "strategies",
        "tab": "exits",
        "boot": _exits_boot(request.user),
        "templates": list(TEMPLATES),
        "macd_periods": RulePeriod.choices,
        "grid_terms": [name for name in GRID_RANGES if name in GRID_TERMS],
    }
    return render(request, "frontend/strategies/exits.html", context)


@require_GET
@login_required
def runs(request: SignedInRequest) -> HttpResponse:
    """Strategies of the team: what lies in the catalogue, what runs on which account, and its log."""
    boot = _boot(request.user, strategy_messages())
    return render(request, "frontend/strategies/runs.html", {"section": "strategies", "tab": "runs", "boot": boot})


@require_GET
@login_required
def backtests(request: SignedInRequest) -> HttpResponse:
    """Strategies over stored bars: start one, watch it, read its report."""
    boot = _boot(request.user, strategy_messages()) | {
        "plots": list(PLOTS),
        "may_run": request.user.role != Role.VIEWER,
    }
    context = {"section": "strategies", "tab": "backtests", "boot": boot}
    return render(request, "frontend/strategies/backtests.html", context)
