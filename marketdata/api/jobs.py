"""Addresses of jobs: what is under way, its parts, and what a person may do to it."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import actor_of
from accounts.api.permissions import require_scope
from accounts.choices import Scope
from accounts.models import User
from marketdata.api import parameters as given
from marketdata.api.jobserializers import (
    JobItemPageSerializer,
    JobItemSerializer,
    JobPageSerializer,
    JobSerializer,
    ScheduleListSerializer,
    SyncAnswerSerializer,
    SyncSerializer,
)
from marketdata.choices import RepairStatus
from marketdata.models import RepairItem
from marketdata.selectors import job_get, jobs_visible_to
from marketdata.services import DataRequest, MarketDataService
from marketdata.services.jobcontrol import sync_job_cancel, sync_job_pause, sync_job_resume, sync_job_retry
from marketdata.services.schedules import schedules_list
from ops.api import DeskCursorPagination

# Asking for bars downloads what is missing: who may read, by token too, may order and steer their own downloads.
MarketRead = require_scope(Scope.MARKET_READ, write=Scope.MARKET_READ)


class JobPagination(DeskCursorPagination):
    """Newest first."""

    ordering = "-created_at"


class JobListView(APIView):
    """The caller's jobs; an administrator's list has everybody's."""

    permission_classes = (MarketRead,)

    @extend_schema(operation_id="jobs_list", parameters=[given.LIMIT, given.CURSOR], responses=JobPageSerializer)
    def get(self, request: Request) -> Response:
        """List jobs, newest first."""
        paginator = JobPagination()
        page = paginator.paginate_queryset(jobs_visible_to(_user(request)), request, view=self)
        return paginator.get_paginated_response(JobSerializer(page, many=True).data)


class JobView(APIView):
    """One job."""

    permission_classes = (MarketRead,)

    @extend_schema(operation_id="jobs_get", responses=JobSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        """Show a job's progress and outcome."""
        return _answer(request, job_id)


class JobItemsView(APIView):
    """The parts of a job."""

    permission_classes = (MarketRead,)

    @extend_schema(
        operation_id="jobs_items",
        parameters=[
            OpenApiParameter("status", str, enum=RepairStatus.values, description="All when absent."),
            given.LIMIT,
            given.CURSOR,
        ],
        responses=JobItemPageSerializer,
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """List what the job waits for, one row per instrument and period: state, rounds, trouble, who downloads."""
        job = job_get(_user(request), job_id)
        items = RepairItem.objects.filter(repairlink__job_id=job.pk).select_related("instrument")
        if status := given.choice_of(request, "status", ("", *RepairStatus.values)):
            items = items.filter(status=status)
        paginator = DeskCursorPagination()
        page = paginator.paginate_queryset(items, request, view=self)
        return paginator.get_paginated_response(JobItemSerializer(page, many=True).data)


class JobCancelView(APIView):
    """Giving a job up."""

    permission_classes = (MarketRead,)

    @extend_schema(operation_id="jobs_cancel", request=None, responses=JobSerializer)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Cancel a download; what others wait for goes on, and what is stored stays."""
        sync_job_cancel(actor=actor_of(request), job=job_get(_user(request), job_id))
        return _answer(request, job_id)


class JobPauseView(APIView):
    """Holding a job."""

    permission_classes = (MarketRead,)

    @extend_schema(operation_id="jobs_pause", request=None, responses=JobSerializer)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Begin nothing more of a download; the batch under way ends, and what others wait for goes on."""
        sync_job_pause(actor=actor_of(request), job=job_get(_user(request), job_id))
        return _answer(request, job_id)


class JobResumeView(APIView):
    """Letting a paused job go on."""

    permission_classes = (MarketRead,)

    @extend_schema(operation_id="jobs_resume", request=None, responses=JobSerializer)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Let a paused download go on."""
        sync_job_resume(actor=actor_of(request), job=job_get(_user(request), job_id))
        return _answer(request, job_id)


class JobRetryView(APIView):
    """Trying again."""

    permission_classes = (MarketRead,)

    @extend_schema(operation_id="jobs_retry", request=None, responses={201: JobSerializer})
    def post(self, request: Request, job_id: UUID) -> Response:
        """Try what an ended download did not achieve once more, in a job of its own."""
        user = _user(request)
        again = sync_job_retry(actor=actor_of(request), owner=user.pk, job=job_get(user, job_id))
        return Response(
            JobSerializer(job_get(user, again.pk)).data,
            status=201,
            headers={"Location": reverse("api-job", args=[again.pk])},
        )


class SyncView(APIView):
    """Completing bars without reading them."""

    permission_classes = (MarketRead,)

    @extend_schema(
        operation_id="sync", request=SyncSerializer, responses={200: SyncAnswerSerializer, 202: SyncAnswerSerializer}
    )
    def post(self, request: Request) -> Response:
        """Download, verify and store what is missing of some bars; 202 with the job, 200 when nothing is missing."""
        body = SyncSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted: dict[str, Any] = body.validated_data
        user = _user(request)
        readiness = MarketDataService().ensure(
            DataRequest(wanted["symbols"], wanted["period"], wanted.get("start"), wanted.get("end")),
            wait_seconds=0,
            owner=user.pk,
            retry_failed=True,
        )
        answer = {
            "complete": readiness.complete,
            "missing_days": readiness.missing_days,
            "job": job_get(user, readiness.job_id) if readiness.job_id else None,
        }
        headers = {"Location": reverse("api-job", args=[readiness.job_id])} if readiness.job_id else {}
        return Response(SyncAnswerSerializer(answer).data, status=202 if readiness.job_id else 200, headers=headers)


class ScheduleListView(APIView):
    """What runs by itself."""

    permission_classes = (MarketRead,)

    @extend_schema(operation_id="schedules_list", responses=ScheduleListSerializer)
    def get(self, request: Request) -> Response:
        """List the scheduled jobs with their last and next run, by the market clock."""
        return Response(ScheduleListSerializer({"results": schedules_list()}).data)


def _user(request: Request) -> User:
    return cast(User, request.user)


def _answer(request: Request, job_id: UUID) -> Response:
    return Response(JobSerializer(job_get(_user(request), job_id)).data)
