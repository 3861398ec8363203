"""A deprecated address says so in every answer, until when, and what takes its place."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ops.deprecation import deprecated

SINCE, SUNSET = date(2026, 1, 1), date(2026, 7, 1)


@deprecated(since=SINCE, sunset=SUNSET, successor="/api/v1/new")
class OldView(APIView):
    """An address of former times."""

    permission_classes = ()
    authentication_classes = ()

    def get(self, request: Request) -> Response:
        """Answer as ever."""
        return Response({})


urlpatterns = [path("api/v1/old", OldView.as_view())]


@pytest.mark.parametrize(("method", "status"), [("get", 200), ("post", 405)])
@override_settings(ROOT_URLCONF=__name__)
def test_deprecated_address_says_so_in_every_answer(db: None, client: Client, method: str, status: int) -> None:
    response = getattr(client, method)("/api/v1/old")
    assert response.status_code == status
    assert {name: response[name] for name in ("Deprecation", "Sunset", "Link")} == {
        "Deprecation": "@1767225600",
        "Sunset": "Wed, 01 Jul 2026 00:00:00 GMT",
        "Link": '</api/v1/new>; rel="successor-version"',
    }


def test_deprecated_address_is_marked_in_the_document() -> None:
    generator: Any = SchemaGenerator
    document = generator(patterns=urlpatterns).get_schema(request=None, public=True)
    assert document["paths"]["/api/v1/old"]["get"]["deprecated"] is True


def test_notice_that_is_too_short_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="180 days"):
        deprecated(since=SINCE, sunset=date(2026, 6, 29), successor="/api/v1/new")
