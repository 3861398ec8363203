"""The one answer to a request for bars or ticks, whatever address it came to, and while one is being completed."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from marketdata.api import parameters as given
from marketdata.api.formats import streamed
from marketdata.api.serializers import PendingBarsSerializer
from marketdata.selectors import job_get
from marketdata.services import DataRequest, MarketDataService, Readiness

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8"}


def series_asked(request: Request, period: str) -> DataRequest:
    """What the query parameters ask for; whether it makes sense is for the service to say."""
    return DataRequest(
        symbols=given.symbols_of(request),
        period=period,
        start=request.query_params.get("start"),
        end=request.query_params.get("end"),
        count=given.count_of(request),
        adjust=request.query_params.get("adjust", "none"),
        fields=given.list_of(request, "fields"),
        fill=request.query_params.get("fill", "none"),
        open_day=given.flag_of(request, "open_day"),
    )


def series_response(request: Request, period: str) -> HttpResponseBase:
    """Bars or ticks in the negotiated form; 202 and the job while what is missing is still being downloaded."""
    time_format = given.choice_of(request, "time", ("ms", "iso"))
    user = cast(User, request.user)
    service = MarketDataService()
    query, readiness = service.prepare(
        series_asked(request, period), wait_seconds=given.seconds_of(request, "wait"), owner=user.pk
    )
    if readiness.job_id is not None:
        return pending_response(user, readiness)
    head = service.head(query, readiness)
    form = str(request.accepted_renderer.format)
    response = streamed(
        request,
        service.pieces(query, head, form=form, time_format=time_format),
        CONTENT_TYPES.get(form, str(request.accepted_renderer.media_type)),
    )
    response["X-Data-Complete"] = str(readiness.complete).lower()
    response["X-Data-Source"] = "; ".join(f"{key}={value}" for key, value in head["source"].items())
    return response


def pending_response(user: User, readiness: Readiness) -> Response:
    """202 with the repair that is still under way, which the readiness names."""
    job = job_get(user, cast(UUID, readiness.job_id))
    pending = {"complete": False, "job": job, "missing_days": readiness.missing_days}
    return Response(
        PendingBarsSerializer(pending).data,
        status=202,
        headers={
            "Location": reverse("api-job", args=[job.pk]),
            "Retry-After": "1",
            "X-Data-Complete": "false",
        },
    )
