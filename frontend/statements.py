"""The page of an account's books: statement, curve, profit, differences. Its content comes over REST."""

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
from frontend.messages import browser_messages
from frontend.money import sees_transfers
from frontend.statement_messages import statement_messages
from frontend.views import SignedInRequest
from trading.ledger.choices import BY_HAND, EntryKind


def _boot(user: User) -> dict[str, Any]:
    return {
        "may_resolve": user.role in SEES_EVERY_ACCOUNT,
        "accounts": [
            {
                "id": view.account.pk,
                "name": view.account.name,
                "account_no": view.account.account_no,
                "can_halt": view.can_halt,
            }
            for view in account_views(user)
        ],
        "messages": {**browser_messages(), **statement_messages()},
    }


@require_GET
@login_required
def statements(request: SignedInRequest) -> HttpResponse:
    """What an account earned and paid, day by day, and where our books and the broker disagree."""
    context = {
        "section": "statements",
        "tab": "statements",
        "moves_money": sees_transfers(request.user),
        "boot": _boot(request.user),
        "sudo": sudo_of(request),
        "by_hand": [(kind.value, kind.label) for kind in EntryKind if kind in BY_HAND],
    }
    return render(request, "frontend/statements.html", context)
