"""A page as somebody is served it, and what it carries for its scripts."""

from __future__ import annotations

import json
import re
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import User


def boot_of(html: str) -> dict[str, Any]:
    """What the page's script starts from."""
    found = re.search(r'<script id="boot" type="application/json">(.*?)</script>', html)
    assert found is not None
    boot: dict[str, Any] = json.loads(found[1])
    return boot


def page(user: User, name: str) -> str:
    """The page of this name."""
    client = Client()
    client.force_login(user)
    response = client.get(reverse(f"frontend:{name}"))
    assert response.status_code == 200
    return response.content.decode()


def page_and_boot(user: User, name: str) -> tuple[str, dict[str, Any]]:
    """The page of this name, and what its script starts from."""
    html = page(user, name)
    return html, boot_of(html)
