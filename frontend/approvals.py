"""The page of what waits for somebody else's approval. Its content comes over the socket."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from frontend.approval_messages import approval_messages
from frontend.messages import browser_messages
from frontend.views import SignedInRequest


@require_GET
@login_required
def approvals(request: SignedInRequest) -> HttpResponse:
    """The queue, live; whoever may decide about an entry does so here."""
    boot = {"user": request.user.username, "messages": {**browser_messages(), **approval_messages()}}
    return render(request, "frontend/approvals.html", {"section": "approvals", "boot": boot})
