"""The API page: every operation of the OpenAPI document, to run and to copy, with a token made on the spot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils.translation import gettext as _

from accounts.choices import MAY_HOLD_TRADE_GRANT, Scope
from accounts.services import token_create
from frontend.access.page import Page
from frontend.api_messages import api_messages
from frontend.messages import browser_messages
from ops.clocks import wall_now

#: A token made here is for trying things out.
LIFETIME = timedelta(days=1)
READING = (Scope.MARKET_READ, Scope.ACCOUNT_READ)


class ApiPage(Page):
    """Operations come from the document by script; the one act makes a token and shows it once."""

    template_name: ClassVar[str] = "frontend/api.html"
    section: ClassVar[str] = "api"
    acts: ClassVar[tuple[str, ...]] = ("token",)

    def context(self) -> dict[str, Any]:
        return {
            "may_trade": self.user.role in MAY_HOLD_TRADE_GRANT,
            "boot": {"messages": {**browser_messages(), **api_messages()}},
        }

    def act_token(self) -> HttpResponse:
        wanted = [*READING, Scope.ORDERS_WRITE] if self.request.POST.get("orders") else READING
        _token, plain = token_create(
            actor=self.actor,
            user=self.user,
            name=_("API page"),
            scopes=[scope.value for scope in wanted],
            expires_at=wall_now() + LIFETIME,
        )
        return self.show(new_token=plain)
