"""Pages of other origins: none may call the API unless the installation names them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client, override_settings
from pydantic import ValidationError

from desk.settings.schema import DeskConfig

pytestmark = pytest.mark.django_db
NAMED = "https://research.example.org"
LIVE = "/api/v1/health/live"
CORS = "corsheaders.middleware.CorsMiddleware"


@pytest.fixture
def named() -> Iterator[Client]:
    """A client of an installation that names one origin."""
    with override_settings(CORS_ALLOWED_ORIGINS=[NAMED], MIDDLEWARE=[CORS, *settings.MIDDLEWARE]):
        yield Client()


def test_nothing_is_open_to_other_origins_by_default(client: Client) -> None:
    assert CORS not in settings.MIDDLEWARE
    assert "Access-Control-Allow-Origin" not in client.get(LIVE, headers={"origin": NAMED})


def test_named_origin_may_read_answers_and_their_headers_without_cookies(named: Client) -> None:
    response = named.get(LIVE, headers={"origin": NAMED})
    assert response["Access-Control-Allow-Origin"] == NAMED
    assert "Access-Control-Allow-Credentials" not in response
    assert {"etag", "location", "retry-after"} <= set(response["Access-Control-Expose-Headers"].split(", "))


def test_named_origin_may_ask_before_it_places_an_order(named: Client) -> None:
    asks = {"origin": NAMED, "access-control-request-method": "POST"}
    response = named.options("/api/v1/orders", headers=asks)
    assert (response.status_code, response["Access-Control-Max-Age"]) == (200, "3600")
    assert {"authorization", "idempotency-key"} <= set(response["Access-Control-Allow-Headers"].split(", "))


@pytest.mark.parametrize(
    ("path", "origin"), [(LIVE, "https://elsewhere.example.org"), (LIVE, "null"), ("/login/", NAMED)]
)
def test_other_origins_and_the_pages_stay_closed(named: Client, path: str, origin: str) -> None:
    assert "Access-Control-Allow-Origin" not in named.get(path, headers={"origin": origin})


@pytest.mark.parametrize("origin", ["*", "research.example.org", "https://*.example.org", "https://example.org/desk"])
def test_origin_that_names_nothing_exact_is_refused(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    monkeypatch.setenv("DESK_CORS_ORIGINS", origin)
    with pytest.raises(ValidationError):
        DeskConfig()
