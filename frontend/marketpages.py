"""Pages about market data. Each renders a frame; its content comes over REST and the socket."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import User
from frontend.market_messages import market_messages
from frontend.messages import browser_messages
from frontend.views import SignedInRequest
from marketdata.choices import Basis, FindingSeverity, FindingState, IntegrityCheck, Kind, Market, RepairStatus
from marketdata.metrics import gap_figures, host_figures, queue_figures
from marketdata.services.exports import ExportFormat
from marketdata.services.imports.files import ENCODINGS
from marketdata.services.integrity.findings import REPAIRABLE
from marketdata.services.requests import Adjust
from marketdata.services.schedules import schedules_list

#: In the order people work through them.
FINDING_STATES = (
    (FindingState.OPEN, _("To be settled")),
    (FindingState.ACKNOWLEDGED, FindingState.ACKNOWLEDGED.label),
    (FindingState.REPAIRED, FindingState.REPAIRED.label),
)


def _boot(user: User) -> dict[str, Any]:
    return {
        "user": {"id": user.pk, "is_admin": user.is_admin},
        "messages": {**browser_messages(), **market_messages()},
    }


def _context(request: SignedInRequest, tab: str, **more: Any) -> dict[str, Any]:
    return {"section": "data", "tab": tab, "boot": _boot(request.user), **more}


@require_GET
@login_required
def sync(request: SignedInRequest) -> HttpResponse:
    """Requests for bars, and the jobs that complete them."""
    return render(request, "frontend/market/jobs.html", _context(request, "jobs", item_statuses=RepairStatus.choices))


@require_GET
@login_required
def coverage(request: SignedInRequest) -> HttpResponse:
    """How complete the market is, month by month, and what is missing of one instrument."""
    context = _context(request, "coverage", kinds=Kind.choices, markets=Market.choices)
    return render(request, "frontend/market/coverage.html", context)


@require_GET
@login_required
def integrity(request: SignedInRequest) -> HttpResponse:
    """Findings of the integrity checker; administrators and risk officers settle them."""
    context = _context(
        request,
        "integrity",
        states=FINDING_STATES,
        severities=FindingSeverity.choices,
        checks=IntegrityCheck.choices,
    )
    context["boot"]["may_settle"] = request.user.role in SEES_EVERY_ACCOUNT
    context["boot"]["repairable"] = sorted(REPAIRABLE)
    return render(request, "frontend/market/integrity.html", context)


@require_GET
@login_required
def files(request: SignedInRequest) -> HttpResponse:
    """Bars to and from files; importing is for administrators."""
    context = _context(
        request,
        "files",
        formats=list(ExportFormat),
        adjusts=list(Adjust),
        bases=Basis.choices,
        encodings=ENCODINGS,
    )
    return render(request, "frontend/market/files.html", context)


@require_GET
@login_required
def status(request: SignedInRequest) -> HttpResponse:
    """How market data is doing: workers, repair queue, gaps, schedules."""
    context = _context(
        request,
        "status",
        hosts=host_figures(),
        queue=queue_figures(),
        gaps=gap_figures(),
        schedules=schedules_list(),
    )
    return render(request, "frontend/market/status.html", context)
