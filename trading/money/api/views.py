"""API of transfers: parse, call one function, render. A program may ask; only a person in the portal decides."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_confirmed, require_scope
from accounts.choices import Scope
from accounts.sudo import sudo_of
from marketdata.api.parameters import choice_of
from ops.api import DeskCursorPagination
from ops.requests import current_request_id
from trading.ledger.api import parameters
from trading.money.api.serializers import (
    MoneyLimitListSerializer,
    MoneyLimitRequestSerializer,
    MoneyLimitSerializer,
    TransferApprovalSerializer,
    TransferCheckRequestSerializer,
    TransferCheckSerializer,
    TransferDetailSerializer,
    TransferPageSerializer,
    TransferRefusalSerializer,
    TransferRequestSerializer,
    TransferResolutionSerializer,
    TransferSerializer,
)
from trading.money.choices import TransferStatus
from trading.money.selectors import limits_list, today, transfer_detail, transfers_list, used_on
from trading.money.services import (
    money_limit_set,
    transfer_approve,
    transfer_cancel,
    transfer_check,
    transfer_refuse,
    transfer_request,
    transfer_resolve,
)
from trading.money.services.checking import CHECK_FIELDS
from trading.money.wire import limit_view, transfer_view
from trading.money.wishes import FIELDS

_FORBIDDEN = OpenApiResponse(
    description="`SUDO_REQUIRED`, `SELF_APPROVAL`, `MONEY_NOT_GRANTED`; a token never decides."
)
_STATE = OpenApiResponse(description="`TRANSFER_STATE`, `APPROVAL_DECIDED` or `APPROVAL_EXPIRED`.")
_DENIED = OpenApiResponse(
    description="A limit (`MONEY_LIMIT_UNSET`, `MONEY_SINGLE_LIMIT`, `MONEY_DAY_LIMIT`), the money (`CASH_INSUFFICIENT`), "
    "or the account's state forbids it."
)


class TransferPages(DeskCursorPagination):
    ordering = ("-created_at", "-id")  # type: ignore[assignment]


class TransferListView(APIView):
    """Transfers."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.MONEY_WRITE),)

    @extend_schema(
        operation_id="transfers_list",
        parameters=[
            parameters.ACCOUNT,
            OpenApiParameter("status", str, enum=TransferStatus.values),
            parameters.LIMIT,
            parameters.CURSOR,
        ],
        responses=TransferPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List transfers of the caller's accounts, newest first."""
        rows = transfers_list(
            parameters.user_of(request),
            account_id=parameters.account_id_of(request),
            status=choice_of(request, "status", ("", *TransferStatus.values)) or None,
        )
        return TransferPages.answer(request, rows, transfer_view)

    @extend_schema(
        operation_id="transfers_request",
        request=TransferRequestSerializer,
        responses={
            201: OpenApiResponse(TransferSerializer, "It waits for a second person."),
            200: OpenApiResponse(TransferSerializer, "The key was known: this is what became of it."),
            409: OpenApiResponse(description="`IDEMPOTENCY_CONFLICT`: the key belongs to another transfer."),
            422: _DENIED,
            501: OpenApiResponse(description="`NOT_SIMULATED`: the simulated terminal moves money with its bank only."),
        },
    )
    def post(self, request: Request) -> Response:
        """Ask for a transfer: with the grant, and a confirmed password or a token of scope `money:write`."""
        require_confirmed(request)
        body = parameters.body_of(request, FIELDS)
        requested = transfer_request(
            account_id=parameters.body_account_id(body.get("account")),
            body=body,
            **parameters.caller_of(request),
        )
        return Response(transfer_view(requested.transfer), status=201 if requested.created else 200)


class TransferCheckView(APIView):
    """Judging one."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.MONEY_WRITE),)

    @extend_schema(
        operation_id="transfers_check",
        request=TransferCheckRequestSerializer,
        responses={
            200: TransferCheckSerializer,
            501: OpenApiResponse(description="`NOT_SIMULATED`: the simulated terminal moves money with its bank only."),
        },
    )
    def post(self, request: Request) -> Response:
        """Judge a transfer without asking for it: everything that would be denied."""
        body = parameters.body_of(request, CHECK_FIELDS)
        account_id = parameters.body_account_id(body.get("account"))
        return Response(transfer_check(user=parameters.user_of(request), account_id=account_id, body=body))


class TransferDetailView(APIView):
    """One transfer."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="transfers_get", responses=TransferDetailSerializer)
    def get(self, request: Request, transfer_id: UUID) -> Response:
        """Show one transfer with its timeline."""
        return Response(transfer_detail(parameters.user_of(request), transfer_id))


class TransferCancelView(APIView):
    """Taking one back."""

    permission_classes = (require_scope(Scope.MONEY_WRITE),)

    @extend_schema(
        operation_id="transfers_cancel", request=None, responses={200: TransferSerializer, 403: _FORBIDDEN, 409: _STATE}
    )
    def post(self, request: Request, transfer_id: UUID) -> Response:
        """Take one's own transfer back before it is sent."""
        transfer = transfer_cancel(transfer_id=transfer_id, **parameters.caller_of(request))
        return Response(transfer_view(transfer))


class _DecisionView(APIView):
    """Closed to tokens, as every view that names no scope."""

    def decided_by(self, request: Request, transfer_id: UUID) -> dict[str, Any]:
        return {
            "user": parameters.user_of(request),
            "transfer_id": transfer_id,
            "sudo": sudo_of(request._request),
            "request_id": current_request_id(),
        }


class TransferApproveView(_DecisionView):
    """Approving."""

    @extend_schema(
        operation_id="transfers_approve",
        request=TransferApprovalSerializer,
        responses={
            200: OpenApiResponse(TransferSerializer, "QUEUED, or FAILED with the code of what changed meanwhile."),
            403: _FORBIDDEN,
            409: _STATE,
            422: _DENIED,
            503: OpenApiResponse(description="Nobody would send it now: it goes on waiting."),
        },
    )
    def post(self, request: Request, transfer_id: UUID) -> Response:
        """Approve somebody else's transfer, with the passwords the broker asks for, and have it sent."""
        body = parameters.body_of(request, frozenset({"bank_password", "fund_password"}))
        transfer = transfer_approve(**self.decided_by(request, transfer_id), **body)
        return Response(transfer_view(transfer))


class TransferRefuseView(_DecisionView):
    """Refusing."""

    @extend_schema(
        operation_id="transfers_refuse",
        request=TransferRefusalSerializer,
        responses={200: TransferSerializer, 403: _FORBIDDEN, 409: _STATE},
    )
    def post(self, request: Request, transfer_id: UUID) -> Response:
        """Refuse somebody else's transfer, with a reason."""
        body = parameters.body_of(request, frozenset({"reason"}))
        transfer = transfer_refuse(**self.decided_by(request, transfer_id), reason=body.get("reason"))
        return Response(transfer_view(transfer))


class TransferResolveView(_DecisionView):
    """Settling what was not answered."""

    @extend_schema(
        operation_id="transfers_resolve",
        request=TransferResolutionSerializer,
        responses={200: TransferSerializer, 403: _FORBIDDEN, 409: _STATE},
    )
    def post(self, request: Request, transfer_id: UUID) -> Response:
        """Say whether the bank's statement shows a transfer that was sent and not answered."""
        body = parameters.body_of(request, frozenset({"moved", "note", "entered"}))
        transfer = transfer_resolve(
            **self.decided_by(request, transfer_id),
            moved=body.get("moved"),
            note=body.get("note"),
            entered=body.get("entered", False),
        )
        return Response(transfer_view(transfer))


class MoneyLimitListView(APIView):
    """The limits."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(operation_id="money_limits_list", responses=MoneyLimitListSerializer)
    def get(self, request: Request) -> Response:
        """List how much of each account's money may be moved, and what today has used."""
        return Response({"results": limits_list(parameters.user_of(request))})


class MoneyLimitView(APIView):
    """One account's limits."""

    @extend_schema(operation_id="money_limits_set", request=MoneyLimitRequestSerializer, responses=MoneyLimitSerializer)
    def put(self, request: Request, account_id: int) -> Response:
        """Say how much of an account's money may be moved. Administrators and risk officers, with a confirmed password."""
        body = parameters.body_of(request, frozenset({"single_amount", "day_amount"}))
        limit = money_limit_set(
            user=parameters.user_of(request),
            account_id=account_id,
            sudo=sudo_of(request._request),
            single_amount=body.get("single_amount"),
            day_amount=body.get("day_amount"),
            request_id=current_request_id(),
        )
        return Response(limit_view(limit, used_on(limit.account_id, today())))
