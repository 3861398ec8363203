"""Production behind a TLS proxy: Django's own deployment checks, and whom its headers are believed from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEY = "kM3x-91hQz_72LbbW0vYtR5sPc8dNqEfGa4JuIo6"
#: Asks one request of the whole ASGI application, as uvicorn would after its proxy middleware.
ASK = """
import asyncio, json, sys
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from desk.asgi import application
from desk.settings.schema import get_config

async def ask(path, peer):
    answer = {}
    messages = [{"type": "http.request", "body": b""}]
    async def receive():
        return messages.pop() if messages else await asyncio.Event().wait()
    async def send(message):
        if message["type"] == "http.response.start":
            answer["status"] = message["status"]
            answer["headers"] = {k.decode().lower(): v.decode() for k, v in message["headers"]}
    headers = [(b"host", b"desk.example.org"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"203.0.113.9")]
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path, "raw_path": path.encode(),
             "root_path": "", "query_string": b"", "headers": headers, "client": (peer, 5), "server": ("127.0.0.1", 8000)}
    await ProxyHeadersMiddleware(application, trusted_hosts=get_config().trusted_proxies)(scope, receive, send)
    return answer

async def main():
    return [await ask("/login/", "10.9.0.2"), await ask("/login/", "10.9.0.3"), await ask("/api/v1/health/live", "10.9.0.3")]

print(json.dumps(asyncio.run(main())))
from django.core.management import call_command
call_command("check", deploy=True, tags=["security"], fail_level="WARNING")
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a process of an installation behind a proxy at 10.9.0.2 says: its answers, and what the checks found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")}
    environment = kept | {
        "DESK_ENV": "production",
        "DESK_STATE_DIR": str(tmp_path_factory.mktemp("state")),
        "DESK_SECRET_KEY": KEY * 2,
        "DESK_ENCRYPTION_KEY": KEY[::-1],
        "DESK_HOSTS": "desk.example.org",
        "DESK_BEHIND_TLS_PROXY": "1",
        "DESK_TRUSTED_PROXIES": "10.9.0.2",
        "DJANGO_SETTINGS_MODULE": "desk.settings",
        "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
    }
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_deployment_checks_of_django_find_nothing(production: list[str]) -> None:
    assert production[1].startswith("System check identified no issues")


def test_forwarded_headers_are_believed_from_the_proxy_only(production: list[str]) -> None:
    through, beside, health = json.loads(production[0])

    assert through["status"] == 200
    assert through["headers"]["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert "Secure" in through["headers"]["set-cookie"]
    # Whoever goes past the proxy cannot say that their connection is encrypted.
    assert beside["status"] == 301
    assert beside["headers"]["location"] == "https://desk.example.org/login/"
    assert "strict-transport-security" not in beside["headers"]
    assert health["status"] == 200
