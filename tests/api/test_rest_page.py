"""The page about the API names addresses that exist."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client

from desk.settings.schema import ROOT

NAMED = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/api/v1/[^`]+)`")


@pytest.mark.django_db
def test_page_names_only_operations_and_parameters_of_the_document(client: Client) -> None:
    paths = client.get("/api/schema/", headers={"accept": "application/json"}).json()["paths"]
    named = NAMED.findall((ROOT / "docs" / "rest.md").read_text(encoding="utf-8"))
    assert len(named) > 30
    for method, address in named:
        parts = urlsplit(address)
        operation = paths[parts.path][method.lower()]
        known = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} <= known, address
