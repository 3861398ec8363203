"""Fetch this machine's credentials: `manage.py host_enrol --url https://desk.example.org` (the code on standard input)."""

from __future__ import annotations

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from desk.settings.schema import ROOT, get_config
from desk.settings.tls import LOOPBACK

TIMEOUT_SECONDS = 30.0
ENVIRONMENT_FILE = ROOT / ".env"


class Command(BaseCommand):
    help = "Fetch the credentials of the QMT host that this machine is, with the code of manage.py host_credentials."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", required=True, help="the platform, https://desk.example.org")
        parser.add_argument("--ca", type=Path, help="authority that vouches for that address, if it is a private one")
        parser.add_argument("--env-file", type=Path, default=ENVIRONMENT_FILE, help="file that is written")

    def handle(self, *args: Any, url: str, ca: Path | None, env_file: Path, **options: Any) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise CommandError("The address begins with https://: a code and passwords do not travel in the clear.")
        self.stderr.write("Code: ", ending="")
        self.stderr.flush()
        code = sys.stdin.readline().strip()
        if not code:
            raise CommandError("No code was given on standard input.")
        bundle = fetch(url.rstrip("/"), code, ca)
        write_environment(env_file, bundle, get_config().state_dir)
        self.stdout.write(f"{bundle['host']} is enrolled: {env_file} is written.")


def fetch(url: str, code: str, ca: Path | None) -> dict[str, Any]:
    """The bundle that waits on the platform. Raises `CommandError` in one sentence."""
    request = urllib.request.Request(  # noqa: S310 - the caller admits https, and http to this machine
        f"{url}/api/v1/host-enrolments",
        data=json.dumps({"code": code}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        handlers = (urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)), _NoRedirects())
        with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT_SECONDS) as answer:
            bundle: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise CommandError(
                "The platform does not know this code: it is used up, expired, withdrawn or mistyped."
            ) from error
        raise CommandError(f"{url} answered {error.code}.") from error
    except (OSError, ValueError) as error:
        raise CommandError(f"{url} cannot be asked: {error}") from error
    return bundle


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The code goes to the address that was typed, or nowhere."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def write_environment(path: Path, bundle: dict[str, Any], state_dir: Path) -> None:
    """Write the settings and the PEM files, readable by this account only (the installer narrows it on Windows)."""
    settings = {**bundle["settings"], "DESK_STATE_DIR": str(state_dir)}
    folder = state_dir / "tls"
    if bundle["files"]:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in bundle["files"].items():
        file = folder / f"{name.lower()}.pem"
        _write_private(file, text)
        settings[name] = str(file)
    lines = ["# Written by manage.py host_enrol; every value is a secret of this machine.\n"]
    lines += [f"{name}='{_quoted(value)}'\n" for name, value in sorted(settings.items())]
    _write_private(path, "".join(lines))


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _write_private(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    draft.replace(path)
