"""Answers that a caller already has: `If-None-Match` against the version of what they show."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="`ETag` of an earlier answer: 304 without a body while it still holds.",
)


def version_tag(parts: Iterable[object]) -> str:
    """An ETag that names versions: weak, because what is shown beside them may move."""
    return f'W/"{".".join(map(str, parts))}"'


def not_modified(request: Request, tag: str) -> HttpResponse | None:
    """The 304 of a caller who already has what `tag` names; None for everybody else."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    # Compression on the way makes tags weak, so both are compared without that mark.
    if tag.removeprefix("W/") not in {given.removeprefix("W/") for given in known}:
        return None
    return HttpResponse(status=304, headers={"ETag": tag})
