"""Request ids and the security headers of every answer."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_request_id_of_the_caller_is_echoed(client: Client) -> None:
    response = client.get("/api/v1/health/live", headers={"X-Request-ID": "order-42-retry"})
    assert response["X-Request-ID"] == "order-42-retry"


@pytest.mark.parametrize("given", ["", "short", "with spaces in it", "x" * 65, "<script>alert(1)</script>"])
def test_request_id_that_is_malformed_is_replaced(client: Client, given: str) -> None:
    response = client.get("/api/v1/health/live", headers={"X-Request-ID": given})
    assert response["X-Request-ID"] != given
    assert len(response["X-Request-ID"]) == 32


def test_answers_carry_the_strict_content_policy(client: Client) -> None:
    policy = client.get("/api/v1/health/live")["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert "unsafe" not in policy
