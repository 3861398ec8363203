"""API of subscriptions: parse, call one function, render."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from ops.api import DeskCursorPagination
from trading.ledger.api import parameters
from trading.orders.api.serializers import OrderSerializer
from trading.orders.wire import order_view
from trading.subscriptions.api.serializers import (
    SubscribeAllRequestSerializer,
    SubscriptionOfferSerializer,
    SubscriptionOutcomesSerializer,
    SubscriptionPlanListSerializer,
    SubscriptionPlanRequestSerializer,
    SubscriptionPlanSerializer,
    SubscriptionRequestSerializer,
    SubscriptionResultPageSerializer,
)
from trading.subscriptions.models import SubscriptionPlan, SubscriptionResult
from trading.subscriptions.selectors import offer_of
from trading.subscriptions.services import Outcome, issue_subscribe, issues_subscribe, plan_set
from trading.subscriptions.wire import offer_view, plan_view, result_view


class ResultPagination(DeskCursorPagination):
    """Newest first."""

    ordering = ("-trade_date", "-id")  # type: ignore[assignment]


class SubscriptionListView(APIView):
    """Subscriptions: list what became of them, subscribe one issue."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="ipo_subscriptions_list",
        parameters=[
            parameters.ACCOUNT,
            parameters.SYMBOL,
            parameters.DATE,
            parameters.LIMIT,
            parameters.CURSOR,
        ],
        responses=SubscriptionResultPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List what became of each issue on the accounts the caller sees, newest first."""
        rows = parameters.scoped(request, SubscriptionResult.objects.all()).select_related("order")
        trade_date = parameters.date_of(request)
        if trade_date is not None:
            rows = rows.filter(trade_date=trade_date)
        return ResultPagination.answer(request, rows, result_view)

    @extend_schema(
        operation_id="ipo_subscriptions_submit",
        request=SubscriptionRequestSerializer,
        responses={
            201: OpenApiResponse(OrderSerializer, "Accepted and queued."),
            200: OpenApiResponse(OrderSerializer, "The account has subscribed this issue already."),
            400: OpenApiResponse(description="Malformed, or `IPO_NOT_OFFERED`."),
            409: OpenApiResponse(description="`IPO_ALREADY_SUBSCRIBED`: with another quantity, or by hand."),
            422: OpenApiResponse(description="Denied; nothing was stored."),
        },
    )
    def post(self, request: Request) -> Response:
        """Subscribe one of today's new issues at its price. Repeating it never subscribes twice."""
        body = parameters.body_of(request, frozenset({"account", "symbol", "quantity"}))
        submission = issue_subscribe(
            account_id=parameters.body_account_id(body.get("account")),
            symbol=body.get("symbol"),
            quantity=body.get("quantity"),
            **parameters.caller_of(request),
        )
        return Response(order_view(submission.order), status=201 if submission.created else 200)


class SubscribeAllView(APIView):
    """Subscribing everything of a day."""

    permission_classes = (require_scope(Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="ipo_subscriptions_submit_all",
        request=SubscribeAllRequestSerializer,
        responses={
            200: SubscriptionOutcomesSerializer,
            503: OpenApiResponse(description="`IPO_ISSUES_UNKNOWN`: the terminal has not told today's issues."),
        },
    )
    def post(self, request: Request) -> Response:
        """Subscribe every new issue of the day, each with the most the account may have. Repeatable."""
        body = parameters.body_of(request, frozenset({"account"}))
        outcomes = issues_subscribe(
            account_id=parameters.body_account_id(body.get("account")),
            **parameters.caller_of(request),
        )
        return Response({"results": [_outcome_view(outcome) for outcome in outcomes]})


class SubscriptionOfferView(APIView):
    """What may be subscribed today."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ),)

    @extend_schema(
        operation_id="ipo_subscriptions_issues",
        parameters=[parameters.ACCOUNT_REQUIRED],
        responses=SubscriptionOfferSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the new issues of the account's trade date with its quota and its orders."""
        return Response(offer_view(offer_of(parameters.required_account_of(request))))


class SubscriptionPlanView(APIView):
    """Accounts that subscribe by themselves."""

    permission_classes = (require_scope(Scope.ACCOUNT_READ, write=Scope.ORDERS_WRITE),)

    @extend_schema(
        operation_id="ipo_subscription_plans_list",
        parameters=[parameters.ACCOUNT],
        responses=SubscriptionPlanListSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the plans of the accounts the caller sees."""
        account = parameters.account_of(request)
        rows = SubscriptionPlan.objects.visible_to(parameters.user_of(request)).select_related("user")
        if account is not None:
            rows = rows.filter(account=account)
        return Response({"results": [plan_view(plan) for plan in rows]})

    @extend_schema(
        operation_id="ipo_subscription_plans_set",
        request=SubscriptionPlanRequestSerializer,
        responses=SubscriptionPlanSerializer,
    )
    def put(self, request: Request) -> Response:
        """Have an account's issues subscribed on every trade date in the caller's name, or stop that."""
        body = parameters.body_of(request, frozenset({"account", "enabled"}))
        plan = plan_set(
            account_id=parameters.body_account_id(body.get("account")),
            enabled=body.get("enabled"),
            **parameters.caller_of(request),
        )
        return Response(plan_view(plan))


def _outcome_view(outcome: Outcome) -> dict[str, Any]:
    order, refusal = outcome.order, outcome.refusal
    return {
        "symbol": outcome.terms.symbol,
        "name": outcome.terms.name,
        "created": outcome.created,
        "order": None if order is None else str(order.pk),
        "quantity": None if order is None else order.quantity,
        "code": "" if refusal is None else str(refusal.code),
        "message": "" if refusal is None else refusal.message,
    }
