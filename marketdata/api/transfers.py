"""Files of bars in and out: imports are looked at before they are stored, exports are jobs with a file."""

from __future__ import annotations

import json
from typing import Any, cast
from uuid import UUID

from django.http import FileResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_scope
from accounts.choices import Scope
from accounts.models import User
from marketdata.api import parameters as given
from marketdata.api.jobserializers import JobSerializer
from marketdata.choices import Basis
from marketdata.models import BarImport
from marketdata.selectors import job_get
from marketdata.services.exports import ExportFormat, export_file, export_request, export_spec
from marketdata.services.imports import import_confirm, import_get, import_preview
from marketdata.services.imports.files import ENCODINGS, MAX_FILE_BYTES, too_large
from marketdata.services.imports.parsing import AMOUNT_UNITS, VOLUME_UNITS
from ops.api import DeskCursorPagination
from ops.errors import Code, Forbidden, Invalid
from ops.models import Job
from ops.openapi import page_of

# The file's own bytes and the form around them.
MAX_BODY_BYTES = MAX_FILE_BYTES + 1_000_000
ADMIN = require_scope(Scope.ADMIN)
EXPORT = require_scope(Scope.MARKET_READ, write=Scope.MARKET_READ)
PERIODS = ("1d", "1m", "5m")


class ImportSerializer(serializers.ModelSerializer[BarImport]):
    """One uploaded file; `preview` says what would be stored and which rows cannot be, by line."""

    class Meta:
        model = BarImport
        fields = (
            "id",
            "file_name",
            "digest",
            "size",
            "options",
            "period",
            "basis",
            "preview",
            "state",
            "owner_label",
            "created_at",
            "confirmed_at",
            "finished_at",
            "job",
            "result",
        )
        read_only_fields = fields


class UploadSerializer(serializers.Serializer[Any]):
    """A file of bars and how it is to be understood. Units and basis are said, never guessed."""

    file = serializers.FileField(help_text="csv, csv.gz, parquet or arrow; at most 64 MiB and a million rows.")
    period = serializers.ChoiceField(PERIODS)
    basis = serializers.ChoiceField(Basis.values)
    volume_unit = serializers.ChoiceField(VOLUME_UNITS)
    amount_unit = serializers.ChoiceField(AMOUNT_UNITS, default="yuan")
    encoding = serializers.ChoiceField(ENCODINGS, default="utf-8")
    symbol = serializers.CharField(required=False, max_length=20, help_text="Of a file without a column for it.")
    columns = serializers.CharField(
        required=False, max_length=2000, help_text='JSON: {"close": "收盘价"}, where the usual names do not fit.'
    )


class ConfirmSerializer(serializers.Serializer[Any]):
    """Whether good rows are stored although others cannot be."""

    skip_problems = serializers.BooleanField(default=False)


class ExportSerializer(serializers.Serializer[Any]):
    """What to export; no symbols: every instrument that has bars."""

    period = serializers.ChoiceField(PERIODS)
    format = serializers.ChoiceField(list(ExportFormat))
    symbols = serializers.ListField(child=serializers.CharField(max_length=20), required=False, max_length=10_000)
    start = serializers.DateField(required=False)
    end = serializers.DateField(required=False)
    adjust = serializers.CharField(default="none", max_length=20)


class ImportListView(APIView):
    """Imports."""

    permission_classes = (ADMIN,)
    parser_classes = (MultiPartParser,)

    @extend_schema(operation_id="imports", parameters=[given.LIMIT, given.CURSOR], responses=page_of(ImportSerializer))
    def get(self, request: Request) -> Response:
        """List imports, newest first."""
        _administrator(request)
        paginator = DeskCursorPagination()
        paginator.ordering = "-created_at"
        page = paginator.paginate_queryset(BarImport.objects.all(), request, view=self)
        return paginator.get_paginated_response(ImportSerializer(page, many=True).data)

    @extend_schema(
        operation_id="imports_preview",
        request={"multipart/form-data": UploadSerializer},
        responses={201: ImportSerializer},
    )
    def post(self, request: Request) -> Response:
        """Upload a file and see what would be stored; nothing is, before it is confirmed."""
        user = _administrator(request)
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length > MAX_BODY_BYTES:
            raise too_large("bytes", length, MAX_FILE_BYTES)
        body = UploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        options = dict(body.validated_data)
        upload = options.pop("file")
        if "columns" in options:
            options["columns"] = _columns(options["columns"])
        row = import_preview(
            actor=actor_of(request), owner=user.pk, name=upload.name, content=upload.file, options=options
        )
        return Response(
            ImportSerializer(row).data, status=201, headers={"Location": reverse("api-import", args=[row.pk])}
        )


class ImportView(APIView):
    """One import."""

    permission_classes = (ADMIN,)

    @extend_schema(operation_id="imports_get", responses=ImportSerializer)
    def get(self, request: Request, import_id: UUID) -> Response:
        """Show what a file holds, and what became of it."""
        _administrator(request)
        return Response(ImportSerializer(import_get(import_id, owner=None)).data)


class ImportConfirmView(APIView):
    """Storing a file."""

    permission_classes = (ADMIN,)

    @extend_schema(
        operation_id="imports_confirm",
        request=ConfirmSerializer,
        responses={202: JobSerializer, 422: OpenApiResponse(description="`IMPORT_HAS_PROBLEMS`, `BASIS_DIFFERS`.")},
    )
    def post(self, request: Request, import_id: UUID) -> Response:
        """Have a looked-at file stored; what a terminal delivered stays. The answer is the job."""
        _administrator(request)
        body = ConfirmSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        job = import_confirm(actor=actor_of(request), row=import_get(import_id, owner=None), **body.validated_data)
        return _accepted(job)


class ExportListView(APIView):
    """Exports."""

    permission_classes = (EXPORT,)

    @extend_schema(operation_id="exports_create", request=ExportSerializer, responses={202: JobSerializer})
    def post(self, request: Request) -> Response:
        """Have stored bars written to a file; the answer is the job, whose file is fetched when it is done."""
        body = ExportSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = dict(body.validated_data)
        spec = export_spec(file_format=wanted.pop("format"), **wanted)
        return _accepted(export_request(spec, owner=cast(User, request.user).pk))


class ExportFileView(APIView):
    """An export's file."""

    permission_classes = (EXPORT,)

    @extend_schema(
        operation_id="exports_file",
        responses={(200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, description="The file.")},
    )
    def get(self, request: Request, job_id: UUID) -> FileResponse:
        """Fetch the file of an export that is done; it is kept for a week."""
        path, name = export_file(job_get(cast(User, request.user), job_id))
        return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="application/octet-stream")


def _administrator(request: Request) -> User:
    user = cast(User, request.user)
    if not user.is_admin:
        raise Forbidden(Code.PERMISSION_DENIED, "Only administrators import bars.")
    return user


def _columns(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Invalid(Code.INVALID_JSON, "columns is no JSON", field="columns") from None


def _accepted(job: Job) -> Response:
    return Response(JobSerializer(job).data, status=202, headers={"Location": reverse("api-job", args=[job.pk])})
