"""Broker accounts: stopping them for who trades or manages them, their mode and real money for administrators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from accounts.choices import AccountMode, TradingState
from accounts.models import BrokerAccount, LiveSwitch
from accounts.notices import PROGRAM_TRADING_NOTICE, PROGRAM_TRADING_VERSION
from accounts.selectors import account_get, account_views, may_halt, may_resume
from accounts.services import account_halt, account_mode_set, account_state_set
from accounts.services.live import LiveConsent, account_go_live
from accounts.sudo import sudo_of, sudo_require
from desk.settings.schema import get_config
from frontend.access.forms import KillForm, LiveForm, ModeForm, StateForm
from frontend.access.page import Page
from ops.errors import Code, Forbidden, Invalid
from trading.orders.choices import KillScope
from trading.orders.services.halts import kill
from trading.risk.services.overrides import is_looser


class AccountsView(Page):
    """The accounts one may stop, with terminal, mode and state; administrators see and set everything."""

    template_name: ClassVar[str] = "frontend/access/accounts.html"
    section: ClassVar[str] = "accounts"
    acts: ClassVar[tuple[str, ...]] = ("halt", "kill", "state", "mode")
    admin_acts: ClassVar[tuple[str, ...]] = ("mode",)
    # Stopping needs no proof: whoever sits there may stop. Selling everything asks for it by itself.
    open_acts: ClassVar[tuple[str, ...]] = ("halt", "kill")

    def context(self) -> dict[str, Any]:
        return {
            "views": [view for view in account_views(self.user) if view.can_halt],
            "live_allowed": get_config().allow_live,
            "states": TradingState.choices,
            "mode_form": ModeForm(),
        }

    def act_halt(self) -> None:
        account = self._account()
        self._refuse_unless(may_halt(self.user, account), account)
        account_halt(actor=self.actor, account=account, reason=self.request.POST.get("reason", "")[:200])
        self.say(_("{name}: {state}").format(name=account.name, state=account.get_state_display()))

    def act_kill(self) -> None:
        data = self.filled(KillForm(self.request.POST))
        account = self._account()
        kill(
            actor=self.actor,
            user=self.user,
            scope=KillScope.ACCOUNT,
            account_id=account.pk,
            flatten=data["flatten"],
            confirm=data["confirm"],
            reason=data["reason"],
            proven=lambda: sudo_require(self.request),
        )
        self.say(_("{name}: halted, every open order is being cancelled.").format(name=account.name))

    def act_state(self) -> None:
        data = self.filled(StateForm(self.request.POST))
        account = self._account()
        self._refuse_unless(may_resume(self.user, account), account)
        state = TradingState(data["state"])
        if is_looser(state, TradingState(account.state)) and data["confirm"] != account.account_no:
            raise Invalid(Code.NOT_CONFIRMED, field="confirm", expected=account.account_no)
        account_state_set(actor=self.actor, account=account, state=state, reason=data["reason"])
        self.say(_("{name}: {state}").format(name=account.name, state=account.get_state_display()))

    def act_mode(self) -> None:
        data = self.filled(ModeForm(self.request.POST))
        account = self._account()
        account_mode_set(actor=self.actor, account=account, mode=AccountMode(data["mode"]))
        self.say(_("{name}: {state}").format(name=account.name, state=account.get_mode_display()))

    def _account(self) -> BrokerAccount:
        text = self.request.POST.get("account", "")
        key = int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
        return account_get(self.user, key)

    @staticmethod
    def _refuse_unless(allowed: bool, account: BrokerAccount) -> None:  # noqa: FBT001
        if not allowed:
            raise Forbidden(Code.PERMISSION_DENIED, account=account.pk)


class LiveView(Page):
    """The page that comes before real money."""

    template_name: ClassVar[str] = "frontend/access/live.html"
    section: ClassVar[str] = "accounts"
    admins_only: ClassVar[bool] = True
    confirmed_only: ClassVar[bool] = True
    acts: ClassVar[tuple[str, ...]] = ("live",)

    @property
    def account(self) -> BrokerAccount:
        return get_object_or_404(BrokerAccount.objects.select_related("host"), pk=self.kwargs["account_id"])

    def context(self) -> dict[str, Any]:
        account = self.account
        return {
            "account": account,
            "obstacles": list(obstacles(account)),
            "notice": PROGRAM_TRADING_NOTICE,
            "notice_version": PROGRAM_TRADING_VERSION,
            "live_form": LiveForm(initial={"notice_version": PROGRAM_TRADING_VERSION}),
            "history": LiveSwitch.objects.filter(account=account).select_related("switched_by"),
        }

    def act_live(self) -> HttpResponse:
        data = self.filled(LiveForm(self.request.POST))
        sudo = sudo_of(self.request)
        if sudo is None:
            raise Forbidden(Code.SUDO_REQUIRED)
        account = account_go_live(
            actor=self.actor,
            user=self.user,
            account=self.account,
            sudo=sudo,
            consent=LiveConsent(
                account_no=data["account_no"],
                notice_version=data["notice_version"] if data["acknowledged"] else "",
                broker_report=data["broker_report"],
            ),
        )
        self.say(_("{name} trades real money from now on.").format(name=account.name))
        return redirect("frontend:accounts")


def obstacles(account: BrokerAccount) -> Iterator[str]:
    """What stands against going live before anything is typed, in words."""
    if not get_config().allow_live:
        yield _("This installation was not started with DESK_ALLOW_LIVE=1.")
    if account.host.is_simulated:
        yield _("The account is at a simulated terminal. A paper account never becomes live: add the broker's account.")
    if account.mode == AccountMode.LIVE:
        yield _("The account is live already.")
    elif account.mode != AccountMode.READ_ONLY:
        yield _("Set the account to read only first, and look at what it shows.")
    if not account.enabled or not account.host.enabled:
        yield _("The account or its host is switched off.")
