"""Health of the process and of the installation, open to load balancers and monitors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import LiveSerializer, ReadySerializer
from accounts.health import readiness, web_readiness
from ops.health import Check
from ops.version import NAME, VERSION


class HealthLiveView(APIView):
    """Whether this process answers."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="health_live", auth=[], responses=LiveSerializer)
    def get(self, request: Request) -> Response:
        """Say that the process is up; touches nothing else."""
        return Response({"name": NAME, "version": VERSION, "status": "ok"})


class HealthReadyView(APIView):
    """Whether everything works that trading needs."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="health_ready",
        auth=[],
        responses={200: ReadySerializer, 503: ReadySerializer},
    )
    def get(self, request: Request) -> Response:
        """Check databases, migrations, Redis, workers and terminals; 503 if any fails."""
        return _told(readiness())


class HealthWebView(APIView):
    """Whether this web process can do its part."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="health_web",
        auth=[],
        responses={200: ReadySerializer, 503: ReadySerializer},
    )
    def get(self, request: Request) -> Response:
        """Check databases, migrations and Redis; 503 if any fails. For a proxy that chooses between web processes."""
        return _told(web_readiness())


def _told(checks: Sequence[Check]) -> Response:
    ready = all(check.ok for check in checks)
    body = {
        "name": NAME,
        "version": VERSION,
        "status": "ready" if ready else "not_ready",
        "checks": [asdict(check) for check in checks],
    }
    return Response(body, status=200 if ready else 503)
