"""The examples run as they stand."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.choices import Role, Scope
from accounts.models import QmtHost, User
from marketdata.models import Instrument
from tests.marketdata.conftest import MAOTAI, RunnerFactory
from tests.marketdata.fakes import WEEK, FakeTerminal, day_bars
from tests.people import make_token

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"])]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MISSING_RUSTC = "rustc is not installed: the Rust example was not compiled"


# ----------------------------------------------------------------------------------- Python
def run_script(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["run_mvp_db.py", *arguments])
    monkeypatch.setattr(sys, "path", list(sys.path))
    runpy.run_path(str(EXAMPLES / "run_mvp_db.py"), run_name="__main__")


def test_python_example_repairs_and_prints_what_was_missing(
    maotai: Instrument,
    host: QmtHost,
    terminal: FakeTerminal,
    make_runner: RunnerFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK, price=1700.1))

    def repaired(_job: object, _deadline: float) -> bool:
        make_runner().run_all()
        return True

    monkeypatch.setattr("marketdata.services.bars.wait_for_job", repaired)
    run_script(monkeypatch, MAOTAI, "20230313", "20230317")
    assert "5 bars, complete: True" in capsys.readouterr().out
    assert len(terminal.downloads) == 1
    run_script(monkeypatch, MAOTAI, "20230313", "20230317")
    assert len(terminal.downloads) == 1  # the second time everything came from the database


def test_python_example_says_what_is_wrong(host: QmtHost, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="SYMBOL_UNKNOWN"):
        run_script(monkeypatch, "999998.SH", "20230313", "20230317")


def test_python_example_is_short() -> None:
    assert len((EXAMPLES / "run_mvp_db.py").read_text(encoding="utf-8").splitlines()) <= 30


# ------------------------------------------------------------------------------------- Rust
@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program."""
    rustc = shutil.which("rustc")
    if rustc is None:
        pytest.skip(MISSING_RUSTC)
    program = tmp_path_factory.mktemp("rust") / "rust_csv_reader"
    source = EXAMPLES / "rust_csv_reader" / "src" / "main.rs"
    subprocess.run(
        [rustc, "--edition", "2021", "-D", "warnings", "-o", str(program), str(source)], check=True, timeout=300
    )
    return program


class _Web:
    """Serves what the platform's own view answers, in chunks as uvicorn sends it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.answers: dict[str, tuple[int, bytes]] = {}

    def prepare(self, path: str, token: str) -> None:
        """Ask the view here, on the test's own connection."""
        response: Any = self.client.get(path, headers={"Authorization": f"Bearer {token}", "Accept": "text/csv"})
        body = b"".join(response.streaming_content) if response.streaming else response.content
        self.answers[f"{path} Bearer {token}"] = (response.status_code, body)


@pytest.fixture
def web() -> Iterator[tuple[_Web, str]]:
    served = _Web(Client())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            key = f"{self.path} {self.headers['Authorization']}"
            status, body = served.answers.get(key, (401, b'{"code":"TOKEN_INVALID"}'))
            self.send_response(status)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(body), 100):
                piece = body[at : at + 100]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield served, f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def token(host: QmtHost) -> str:
    person = User.objects.create_user("alice", password="market-data-1", role=Role.TRADER)
    return make_token(person, Scope.MARKET_READ)[1]


PATH = (
    f"/api/v1/bars?symbols={MAOTAI}&period=1d&start=20230313&end=20230317"
    "&fields=open,high,low,close,volume,amount&wait=60"
)


def read(program: Path, address: str, token: str) -> subprocess.CompletedProcess[str]:
    arguments = [str(program), address, token, MAOTAI, "20230313", "20230317"]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)


def test_rust_example_reads_the_csv_of_the_bars(
    reader: Path,
    web: tuple[_Web, str],
    token: str,
    maotai: Instrument,
    terminal: FakeTerminal,
    make_runner: RunnerFactory,
) -> None:
    served, address = web
    terminal.put(MAOTAI, "1d", day_bars(WEEK, price=1700.1))
    served.client.get(PATH.replace("wait=60", "wait=0"), headers={"Authorization": f"Bearer {token}"})
    make_runner().run_all()
    served.prepare(PATH, token)
    done = read(reader, address, token)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert len(lines) == 7
    assert lines[0] == f"{MAOTAI} 1678636800000 1700.1000 24100"
    # 24,100 shares a day at 1700.10, 1700.11, … 1700.14.
    assert lines[5] == "5 bars, 120500 shares, 204864460.00 CNY"
    assert lines[6] == "from 1700.1000 to 1700.1400, between 1700.0500 and 1700.1900"


def test_rust_example_refused_token_ends_with_the_platforms_words(
    reader: Path, web: tuple[_Web, str], token: str
) -> None:
    done = read(reader, web[1], "x" * 43)
    assert (done.returncode, done.stdout) == (1, "")
    assert "401" in done.stderr
    assert "TOKEN_INVALID" in done.stderr


def test_rust_example_nobody_there_is_said_in_words(reader: Path) -> None:
    done = read(reader, "127.0.0.1:1", "t")
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
