"""The page of transfers of money. Its content comes over REST and the socket."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import BrokerAccount, User
from accounts.selectors import account_views
from accounts.sudo import sudo_of
from frontend.messages import browser_messages
from frontend.money_messages import money_messages
from frontend.views import SignedInRequest, own_names
from trading.money.choices import BANK_KINDS, TransferKind, TransferStatus


def sees_transfers(user: User) -> bool:
    """Whether the page is for `user`: who may move money, and who says how much of it may be."""
    return user.role in SEES_EVERY_ACCOUNT or BrokerAccount.objects.money_moved_by(user).exists()


@require_GET
@login_required
def transfers(request: SignedInRequest) -> HttpResponse:
    """Ask for a transfer, decide about somebody else's, settle what was not answered; for officers also the limits."""
    user = request.user
    if not sees_transfers(user):
        raise PermissionDenied
    officer = user.role in SEES_EVERY_ACCOUNT
    shown = [view for view in account_views(user) if officer or view.can_move_money]
    boot: dict[str, Any] = {
        "own": own_names(user),
        "officer": officer,
        "bank_kinds": sorted(BANK_KINDS),
        "accounts": [
            {
                "id": view.account.pk,
                "name": view.account.name,
                "account_no": view.account.account_no,
                "simulated": view.account.host.is_simulated,
                "can_move_money": view.can_move_money,
            }
            for view in shown
        ],
        "messages": {**browser_messages(), **money_messages()},
    }
    context = {
        "section": "statements",
        "tab": "transfers",
        "moves_money": True,
        "boot": boot,
        "sudo": sudo_of(request),
        "movable": [account for account in boot["accounts"] if account["can_move_money"]],
        "kinds": TransferKind.choices,
        "statuses": TransferStatus.choices,
    }
    return render(request, "frontend/transfers.html", context)
