"""The whole platform, started as a person starts it, and a browser to look at it with."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, Playwright

from desk.settings.schema import ROOT
from tests import prepared

READY_SECONDS = 90
STOP_SECONDS = 20
PASSWORD = "desk-demo"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
BROWSER_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Stack:
    """A running platform: its address, its state folder and what it logs."""

    state_dir: Path
    port: int
    environment: dict[str, str]
    process: subprocess.Popen[str] | None = field(default=None)
    _tokens: dict[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.state_dir / "up.log").read_text(encoding="utf-8")

    def manage(self, *arguments: str) -> str:
        """Run a management command in the platform's environment; its output."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        """Start everything and wait until the platform says that it is ready."""
        with (self.state_dir / "up.log").open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up"],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_SECONDS
        while "QMT Desk is ready" not in self.log:
            assert self.process.poll() is None, f"the platform ended while starting:\n{self.log[-4000:]}"
            assert time.monotonic() < deadline, f"the platform is not ready:\n{self.log[-4000:]}"
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop everything as Ctrl-C does."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def kill(self, name: str) -> None:
        """End one of the platform's processes as a crash does; the supervisor starts it again."""
        record = json.loads((self.state_dir / "run" / f"{name}.pid.json").read_text(encoding="utf-8"))
        os.kill(record["pid"], signal.SIGKILL)

    def token(self, user: str, *scopes: str) -> str:
        """The API token of a demo user with these scopes, made once."""
        key = (user, *scopes)
        if key not in self._tokens:
            text = self.manage("token_create", user, "--scopes", ",".join(scopes))
            self._tokens[key] = next(word for word in text.split() if word.startswith("desk_"))
        return self._tokens[key]

    def api(self, user: str, *scopes: str) -> httpx.Client:
        """An API client with a token of `user`; all scopes but admin unless named."""
        wanted = scopes or ("market:read", "account:read", "orders:write")
        headers = {"Authorization": f"Bearer {self.token(user, *wanted)}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60)


def make_stack(folder: Path, **settings: str) -> Stack:
    """Prepare an installation of its own in `folder`; nothing is started. One with the defaults is a copy."""
    stack = Stack(state_dir=folder, port=free_port(), environment={})
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")}
    stack.environment = inherited | {
        "DESK_ENV": "demo",
        "DESK_STATE_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "desk.settings",
        "PORT": str(stack.port),
        "TZ": "Asia/Shanghai",
        **settings,
    }
    if settings:
        stack.manage("prepare")
    else:
        shutil.copytree(_default_installation(), folder, dirs_exist_ok=True)
    return stack


@cache
def _default_installation() -> Path:
    """An installation with the demo's people, made once by this process: migrations take longer than anything else."""
    folder = Path(tempfile.mkdtemp(prefix="desk-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if not prepared.copied("demo", folder):
        make_stack(folder, DESK_DEBUG="false")
    return folder


def launch_browser(playwright: Playwright) -> Browser:
    """An installed browser, else playwright's own; a failure of one sentence, never a skip."""
    installed = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    try:
        return playwright.chromium.launch(executable_path=installed, args=list(BROWSER_ARGUMENTS))
    except Exception as error:
        raise RuntimeError(
            "The browser tests need Chromium: install the system's package `chromium`, "
            "or run `playwright install chromium`."
        ) from error


def log_in(page: Page, stack: Stack, user: str, path: str = "/") -> None:
    """Log a demo user in and open a page."""
    page.goto(f"{stack.url}/login/?next={path}")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit].button-primary")
    page.wait_for_url(f"{stack.url}{path}")
