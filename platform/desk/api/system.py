"""API of how the installation is doing, for administrators."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import HostKind, Scope, SessionState
from accounts.models import User
from desk.system.overview import current_trade_date, system_overview
from desk.system.processes import ProcessState
from ops.errors import Code, Forbidden
from trading.ledger.api.parameters import date_of
from trading.orders.latency import HOPS, MOST_ORDERS, hops_of_day

HOST = OpenApiParameter("host", OpenApiTypes.STR, description="Only orders that went through this host.")
DATE = OpenApiParameter(
    "date", OpenApiTypes.DATE, description="Trade date, YYYY-MM-DD or YYYYMMDD; the market's present one by default."
)


class ProcessSerializer(serializers.Serializer[Any]):
    """A process that reports, or should."""

    name = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in ProcessState])
    expected = serializers.BooleanField(help_text="Whether the installation cannot do without it.")
    machine = serializers.CharField()
    pid = serializers.IntegerField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    last_pass_at = serializers.DateTimeField(allow_null=True, help_text="Its last successful pass.")
    age_seconds = serializers.FloatField(allow_null=True)


class SystemHostSerializer(serializers.Serializer[Any]):
    """A QMT host as its trade worker last told."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=HostKind.values)
    session_state = serializers.ChoiceField(choices=SessionState.values)
    message = serializers.CharField()
    trade_date = serializers.DateField(allow_null=True)
    phase = serializers.CharField()
    reported_at = serializers.DateTimeField(allow_null=True)
    last_probe_at = serializers.DateTimeField(allow_null=True)
    sdk_version = serializers.CharField()
    tick_age_seconds = serializers.FloatField(allow_null=True, help_text="Since the last quote stored from it.")
    events_pending = serializers.IntegerField(allow_null=True, help_text="Broker events taken and not stored yet.")


class OrderQueueSerializer(serializers.Serializer[Any]):
    """Orders that wait for the platform."""

    host = serializers.CharField()
    status = serializers.CharField()
    count = serializers.IntegerField()
    oldest_seconds = serializers.FloatField()


class CancelQueueSerializer(serializers.Serializer[Any]):
    """Wanted cancels that were not sent."""

    host = serializers.CharField()
    count = serializers.IntegerField()
    oldest_seconds = serializers.FloatField()


class LaneSerializer(serializers.Serializer[Any]):
    """Calls inside a trade worker, of all accounts together."""

    host = serializers.CharField()
    purpose = serializers.CharField()
    waiting = serializers.IntegerField()
    oldest_seconds = serializers.FloatField()


class RepairQueueSerializer(serializers.Serializer[Any]):
    """The repair of market data."""

    waiting = serializers.IntegerField()
    running = serializers.IntegerField()
    oldest_seconds = serializers.FloatField()


class QueuesSerializer(serializers.Serializer[Any]):
    """Everything that waits."""

    orders = OrderQueueSerializer(many=True)
    cancels = CancelQueueSerializer(many=True)
    lanes = LaneSerializer(many=True)
    repair = RepairQueueSerializer()
    tasks = serializers.DictField(
        child=serializers.IntegerField(), allow_null=True, help_text="Tasks by queue; null while Redis is away."
    )


class DiskSerializer(serializers.Serializer[Any]):
    """The file system of the state folder, in bytes."""

    free = serializers.IntegerField()
    total = serializers.IntegerField()


class DatabaseSerializer(serializers.Serializer[Any]):
    """One database; its size in bytes."""

    alias = serializers.CharField()
    vendor = serializers.CharField()
    size = serializers.IntegerField(allow_null=True)


class StorageSerializer(serializers.Serializer[Any]):
    """Room and sizes."""

    disk = DiskSerializer()
    databases = DatabaseSerializer(many=True)


class VersionsSerializer(serializers.Serializer[Any]):
    """What the process that answers runs."""

    project = serializers.CharField()
    python = serializers.CharField()
    django = serializers.CharField()
    sdk = serializers.CharField(help_text="xtquant on the machine that answers; blank without.")
    schema = serializers.DictField(child=serializers.CharField(), help_text="Last migration of each application.")


class SystemSerializer(serializers.Serializer[Any]):
    """How the installation is doing."""

    at = serializers.DateTimeField()
    versions = VersionsSerializer()
    processes = ProcessSerializer(many=True)
    hosts = SystemHostSerializer(many=True)
    queues = QueuesSerializer()
    storage = StorageSerializer()


class HopSerializer(serializers.Serializer[Any]):
    """One hop of a day's orders, in milliseconds."""

    name = serializers.ChoiceField(choices=HOPS)
    count = serializers.IntegerField()
    p50 = serializers.FloatField(allow_null=True)
    p90 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)
    max = serializers.FloatField(allow_null=True)


class LatencySerializer(serializers.Serializer[Any]):
    """Where a day's orders spent their time."""

    trade_date = serializers.DateField(allow_null=True)
    most_orders = serializers.IntegerField(help_text="Of a busier day the latest ones count.")
    hops = HopSerializer(many=True)


class SystemView(APIView):
    """Processes, queues, hosts, storage, versions."""

    permission_classes = (require_scope(Scope.ADMIN),)

    @extend_schema(operation_id="system_get", responses=SystemSerializer)
    def get(self, request: Request) -> Response:
        """Say how the installation is doing now."""
        _administrators_only(request)
        return Response(system_overview())


class LatencyView(APIView):
    """Percentiles of each hop of a trade date's orders."""

    permission_classes = (require_scope(Scope.ADMIN),)

    @extend_schema(operation_id="system_latency", parameters=[DATE, HOST], responses=LatencySerializer)
    def get(self, request: Request) -> Response:
        """Say where the orders of a trade date spent their time."""
        _administrators_only(request)
        day = date_of(request) or current_trade_date()
        hops = [] if day is None else hops_of_day(day, host=request.query_params.get("host"))
        return Response({"trade_date": day, "most_orders": MOST_ORDERS, "hops": [asdict(hop) for hop in hops]})


def _administrators_only(request: Request) -> None:
    user = cast(User, request.user)
    if not user.is_admin or user.account_limit is not None:
        raise Forbidden(Code.PERMISSION_DENIED, "Only administrators read how the system is doing.")
