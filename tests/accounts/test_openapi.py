"""The OpenAPI document: valid, complete, with the errors every operation can answer with."""

from __future__ import annotations

import io
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from ops.errors import Code


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    loaded = yaml.safe_load(out.getvalue())
    assert isinstance(loaded, dict)
    return loaded


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_document_is_valid_without_warnings(document: dict[str, Any]) -> None:
    assert {"GET /api/v1/accounts", "GET /api/v1/me", "GET /api/v1/health/ready"} <= set(operations(document))


def test_document_leaves_the_catch_all_out(document: dict[str, Any]) -> None:
    assert all(path.startswith("/api/v1/") for path in document["paths"])


def test_document_every_operation_describes_its_errors(document: dict[str, Any]) -> None:
    reference = {"$ref": "#/components/schemas/Error"}
    for name, operation in operations(document).items():
        for status in ("400", "404", "500"):
            content = operation["responses"][status]["content"]["application/json"]
            assert content["schema"] == reference, (name, status)


def test_document_error_codes_are_the_enum(document: dict[str, Any]) -> None:
    codes = document["components"]["schemas"]["Error"]["properties"]["code"]["enum"]
    assert codes == [code.value for code in Code]


def test_document_names_both_ways_to_authenticate(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert schemes["bearerToken"]["scheme"] == "bearer"
    assert schemes["session"]["name"] == "sessionid"


def test_document_everything_but_health_and_enrolment_needs_credentials(document: dict[str, Any]) -> None:
    open_ones = {name for name, operation in operations(document).items() if operation.get("security", [{}]) == [{}]}
    health = {"GET /api/v1/health/live", "GET /api/v1/health/ready", "GET /api/v1/health/web"}
    assert open_ones == {*health, "POST /api/v1/host-enrolments"}


def test_document_is_served_openly(db: None) -> None:
    response = Client().get("/api/schema/")
    assert response.status_code == 200
    assert yaml.safe_load(response.content)["info"]["title"] == "QMT Desk API"
