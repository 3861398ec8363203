"""API of the audit trail, for administrators and risk officers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_scope
from accounts.choices import SEES_EVERY_ACCOUNT, Scope
from accounts.models import User
from desk.api import serializers as shapes
from ops import audit
from ops.api import DeskCursorPagination
from ops.audit_check import JOB_KIND, check_requested
from ops.audit_search import (
    AuditFilter,
    audit_search,
    changes,
    csv_lines,
    event_view,
    export_chunk,
    json_lines,
)
from ops.errors import Code, Forbidden, NotFound
from ops.jobs import job_payload
from ops.models import AuditEvent, Job

Render = Callable[[list[AuditEvent], bool], str]

_FILTERS = [shapes.AuditFilterSerializer]


class AuditPages(DeskCursorPagination):
    page_size = 50
    ordering = "-id"


class _AuditView(APIView):
    """Common ground: who may read, and what of it."""

    permission_classes = (require_scope(Scope.ADMIN),)

    def reader(self, request: Request) -> User:
        """The caller.

        Raises
        ------
        Forbidden
            PERMISSION_DENIED for everybody but administrators and risk officers.
        """
        user = cast(User, request.user)
        if user.role not in SEES_EVERY_ACCOUNT:
            raise Forbidden(Code.PERMISSION_DENIED, "Only administrators and risk officers read the audit trail.")
        return user

    def events(self, request: Request, wanted: AuditFilter) -> QuerySet[AuditEvent]:
        """Matching events; a token that is limited to accounts reads those accounts' only."""
        rows = audit_search(wanted)
        limit = self.reader(request).account_limit
        return rows if limit is None else rows.filter(account_id__in=limit)


def _filter(request: Request) -> AuditFilter:
    serializer = shapes.AuditFilterSerializer(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    return AuditFilter(**serializer.validated_data)


def _shown(event: AuditEvent) -> dict[str, Any]:
    return {**event_view(event), "changes": changes(event.before, event.after)}


class AuditListView(_AuditView):
    @extend_schema(
        operation_id="audit_list",
        parameters=[*_FILTERS, OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
        responses=shapes.AuditEventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Search the audit trail, newest first."""
        return AuditPages.answer(request, self.events(request, _filter(request)), _shown)


class AuditDetailView(_AuditView):
    @extend_schema(operation_id="audit_get", responses=shapes.AuditEventSerializer)
    def get(self, request: Request, event_id: int) -> Response:
        """Show one event."""
        event = self.events(request, AuditFilter()).filter(pk=event_id).first()
        if event is None:
            raise NotFound(Code.NOT_FOUND, event=event_id)
        return Response(_shown(event))


class AuditHistoryView(_AuditView):
    @extend_schema(
        operation_id="audit_history",
        parameters=[
            OpenApiParameter("target", str, required=True, description="`account:3`, `user:5`, `order:…`"),
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
        ],
        responses=shapes.AuditEventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Show who changed one object, what and when; newest first."""
        serializer = shapes.TargetSerializer(data=request.query_params)
        serializer.is_valid(raise_exception=True)
        wanted = AuditFilter(target=serializer.validated_data["target"])
        return AuditPages.answer(request, self.events(request, wanted), _shown)


class _ExportView(_AuditView):
    """A whole search as a file, read and sent in pieces, and itself on the trail."""

    extension = ""
    content_type = ""
    render_chunk: Render

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:  # noqa: FBT001, FBT002
        # The address names the format; refusals are JSON as everywhere.
        return JSONRenderer(), JSONRenderer.media_type

    def export(self, request: Request) -> StreamingHttpResponse:
        rows = self.events(request, _filter(request))
        with transaction.atomic():
            event = audit.record(
                actor=actor_of(request),
                action="audit.exported",
                target="audit:events",
                after={"format": self.extension, "filter": dict(request.query_params.items())},
            )
        return StreamingHttpResponse(
            _stream(rows.filter(pk__lt=event.pk), type(self).render_chunk),
            content_type=self.content_type,
            headers={
                "Content-Disposition": f'attachment; filename="audit.{self.extension}"',
                "Cache-Control": "no-store",
            },
        )


async def _stream(rows: QuerySet[AuditEvent], render: Render) -> AsyncIterator[bytes]:
    """Read by key in pieces: memory stays small however long the trail is."""
    below: int | None = None
    first = True
    while True:
        chunk = await sync_to_async(export_chunk)(rows, below)
        if chunk or first:
            yield render(chunk, first).encode()
        if not chunk:
            return
        below, first = chunk[-1].pk, False


class AuditCsvView(_ExportView):
    extension = "csv"
    content_type = "text/csv; charset=utf-8"

    @staticmethod
    def render_chunk(events: list[AuditEvent], first: bool) -> str:  # noqa: FBT001
        # The byte order mark makes spreadsheets read UTF-8.
        return ("\ufeff" if first else "") + csv_lines(events, head=first)

    @extend_schema(
        operation_id="audit_export_csv", parameters=[*_FILTERS], responses={(200, "text/csv"): OpenApiTypes.STR}
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Export a search as CSV; no cell is taken for a formula."""
        return self.export(request)


class AuditJsonLinesView(_ExportView):
    extension = "jsonl"
    content_type = "application/x-ndjson"

    @staticmethod
    def render_chunk(events: list[AuditEvent], first: bool) -> str:  # noqa: FBT001
        return json_lines(events)

    @extend_schema(
        operation_id="audit_export_jsonl",
        parameters=[*_FILTERS],
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Export a search as one JSON object per line."""
        return self.export(request)


class AuditVerificationView(_AuditView):
    @extend_schema(operation_id="audit_verification_get", responses=shapes.VerificationAnswerSerializer)
    def get(self, request: Request) -> Response:
        """Show the last proof of all chains and anchors."""
        self._whole(request)
        job = Job.objects.filter(kind=JOB_KIND).order_by("-created_at").first()
        return Response({"verification": None if job is None else job_payload(job)})

    @extend_schema(
        operation_id="audit_verification_start",
        request=None,
        responses={202: shapes.VerificationAnswerSerializer},
    )
    def post(self, request: Request) -> Response:
        """Prove all chains and anchors now, as a job; the one that runs already is shared."""
        user = self._whole(request)
        with transaction.atomic():
            job = check_requested(owner=user.pk)
            if job.status == Job.Status.PENDING:
                transaction.on_commit(lambda: _start(job), robust=True)
        return Response({"verification": job_payload(job)}, status=202)

    def _whole(self, request: Request) -> User:
        user = self.reader(request)
        if user.account_limit is not None:
            raise Forbidden(Code.PERMISSION_DENIED, "A token of some accounts proves no whole trail.")
        return user


def _start(job: Job) -> None:
    from ops.tasks import audit_verify

    # Lost with Redis away, the job stays PENDING; asking again sends it again, and it runs once.
    audit_verify.apply_async(args=(str(job.pk),), queue="core", expires=600, retry=False)
