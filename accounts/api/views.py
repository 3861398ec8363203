"""API of people and accounts: parse, call one function, render."""

from __future__ import annotations

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_confirmed, require_scope
from accounts.api.serializers import (
    AccountListSerializer,
    AccountSerializer,
    AutoTradingSerializer,
    MeSerializer,
    ReasonSerializer,
    ResumeSerializer,
)
from accounts.choices import Scope, TradingState
from accounts.models import ApiToken, User
from accounts.selectors import account_get, account_view, account_views, may_halt, may_resume
from accounts.services import account_auto_trading_set, account_halt, account_resume
from ops.errors import Code, Forbidden, Invalid
from ops.inputs import json_object


class MeView(APIView):
    """The caller."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="me", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Say who the caller is, how they like to see things, and what they may do."""
        user = cast(User, request.user)
        context = {
            "account_views": account_views(user),
            "token": request.auth if isinstance(request.auth, ApiToken) else None,
        }
        return Response(MeSerializer(user, context=context).data)


class AccountListView(APIView):
    """The caller's accounts."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="accounts_list", responses=AccountListSerializer)
    def get(self, request: Request) -> Response:
        """List the accounts the caller may see."""
        views = account_views(cast(User, request.user))
        return Response(AccountListSerializer({"results": views}).data)


class AccountDetailView(APIView):
    """One account."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="accounts_get", responses=AccountSerializer)
    def get(self, request: Request, account_id: int) -> Response:
        """Show one account with its host, market clock and the caller's rights."""
        view = account_view(cast(User, request.user), account_id)
        return Response(AccountSerializer(view).data)


class AccountHaltView(APIView):
    """The account's kill switch."""

    # No limit of ours keeps anybody from stopping.
    throttle_classes = ()
    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(operation_id="accounts_halt", request=ReasonSerializer, responses=AccountSerializer)
    def post(self, request: Request, account_id: int) -> Response:
        """Stop new orders; orders not yet sent are not sent any more. Repeatable."""
        user = cast(User, request.user)
        account = account_get(user, account_id)
        if not may_halt(user, account):
            raise Forbidden(Code.PERMISSION_DENIED, account=account_id)
        account_halt(actor=actor_of(request), account=account, reason=_reason(request))
        return Response(AccountSerializer(account_view(user, account_id)).data)


class AccountResumeView(APIView):
    """Lifting a halt."""

    permission_classes = (require_scope(Scope.ADMIN),)

    @extend_schema(operation_id="accounts_resume", request=ResumeSerializer, responses=AccountSerializer)
    def post(self, request: Request, account_id: int) -> Response:
        """Allow new orders again (administrators, risk officers, who manages the account).

        A browser's person has to have confirmed their password within ten minutes; `confirm` is the account's
        number, typed. An account that trades already is left as it is.
        """
        user = cast(User, request.user)
        account = account_get(user, account_id)
        if not may_resume(user, account):
            raise Forbidden(Code.PERMISSION_DENIED, account=account_id)
        require_confirmed(request)
        form = ResumeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if account.state != TradingState.ACTIVE and form.validated_data["confirm"] != account.account_no:
            raise Invalid(Code.NOT_CONFIRMED, field="confirm", expected=account.account_no)
        account_resume(actor=actor_of(request), account=account, reason=form.validated_data["reason"])
        return Response(AccountSerializer(account_view(user, account_id)).data)


class AccountAutoTradingView(APIView):
    """Whether programs place orders on the account."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(operation_id="accounts_auto_trading", request=AutoTradingSerializer, responses=AccountSerializer)
    def post(self, request: Request, account_id: int) -> Response:
        """Switch automatic trading on or off; what is queued is not sent any more after either. Repeatable.

        Off: whoever may halt the account. On: whoever may lift a halt, in person (a browser's person has to have
        confirmed their password within ten minutes) or with a token of the `admin` scope.
        """
        user = cast(User, request.user)
        account = account_get(user, account_id)
        enabled = json_object(request.data, ("enabled",)).get("enabled")
        if not isinstance(enabled, bool):
            raise Invalid(Code.FIELD_INVALID if enabled is not None else Code.FIELD_REQUIRED, field="enabled")
        if not (may_resume if enabled else may_halt)(user, account):
            raise Forbidden(Code.PERMISSION_DENIED, account=account_id)
        if enabled:
            require_confirmed(request, scope=Scope.ADMIN)
        if account.auto_trading != enabled:
            account_auto_trading_set(actor=actor_of(request), account=account, enabled=enabled)
        return Response(AccountSerializer(account_view(user, account_id)).data)


def _reason(request: Request) -> str:
    serializer = ReasonSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    return cast(str, serializer.validated_data["reason"])
