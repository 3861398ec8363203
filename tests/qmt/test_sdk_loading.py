"""Loading the SDK: what makes a process unfit, said in words and without a trace left behind."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qmt.errors import SdkUnavailable
from qmt.sdk import PINNED_VERSION, load_sdk, verify_package

PLATFORM = Path(__file__).resolve().parents[2] / "platform"


def run(code: str, zone: str = "Asia/Shanghai") -> str:
    """Run Python in a process of its own; returns what it printed."""
    environment = {**os.environ, "TZ": zone, "PYTHONPATH": str(PLATFORM)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_process_under_utc_is_refused_before_anything_is_imported() -> None:
    printed = run(
        "import sys\n"
        "from qmt.sdk import load_sdk\n"
        "from qmt.errors import SdkUnavailable\n"
        "try: load_sdk('simulated')\n"
        "except SdkUnavailable as error: print(error, 'xtquant' in sys.modules)\n",
        zone="UTC",
    )

    assert "needs Asia/Shanghai" in printed
    assert printed.strip().endswith("False")


def test_process_cannot_change_its_backend() -> None:
    printed = run(
        "from qmt.sdk import load_sdk\n"
        "from qmt.errors import SdkUnavailable\n"
        "assert load_sdk('simulated') is load_sdk('simulated')\n"
        "try: load_sdk('real')\n"
        "except SdkUnavailable as error: print(error)\n"
    )

    assert printed.strip() == "this process already runs the SDK over simulated modules and cannot change to real"


def test_sdk_imported_by_something_else_is_refused() -> None:
    printed = run(
        "import sys, types\n"
        "sys.modules['xtquant'] = types.ModuleType('xtquant')\n"
        "from qmt.sdk import load_sdk\n"
        "from qmt.errors import SdkUnavailable\n"
        "try: load_sdk('simulated')\n"
        "except SdkUnavailable as error: print(error)\n"
    )

    assert "was imported before by something else" in printed


def test_import_asks_nobody_for_updates_and_restores_requests() -> None:
    printed = run(
        "import socket, sys, types\n"
        "requests = sys.modules['requests'] = types.ModuleType('requests')\n"
        "requests.get = lambda *a, **k: print('asked the index')\n"
        "def refuse(*a): raise AssertionError('network')\n"
        "socket.getaddrinfo = refuse\n"
        "from qmt.sdk import load_sdk\n"
        "load_sdk('simulated')\n"
        "print(sys.modules['requests'] is requests)\n"
    )

    assert printed.strip() == "True"


@pytest.mark.skipif(sys.platform == "win32", reason="the native modules load on Windows")
def test_real_backend_without_native_modules_fails_in_words_and_leaves_no_module() -> None:
    printed = run(
        "import sys\n"
        "from qmt.sdk import load_sdk\n"
        "from qmt.errors import SdkUnavailable\n"
        "try: load_sdk('real')\n"
        "except SdkUnavailable as error: print(error)\n"
        "print([name for name in sys.modules if name.startswith('xtquant')])\n"
    )

    assert "its native modules need Windows" in printed
    assert printed.strip().endswith("[]")


def test_other_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        version = "240613.1.1"

    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Other())

    with pytest.raises(
        SdkUnavailable, match=f"xtquant 240613.1.1 is installed, but this platform is built for {PINNED_VERSION}"
    ):
        verify_package()


def test_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)

    with pytest.raises(SdkUnavailable, match="is not installed"):
        verify_package()


def test_package_of_the_same_name_from_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "xtquant").mkdir()
    (tmp_path / "xtquant" / "__init__.py").write_text("raise AssertionError('imported')")
    printed = run(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from qmt.sdk import load_sdk\n"
        "from qmt.errors import SdkUnavailable\n"
        "try: load_sdk('simulated')\n"
        "except SdkUnavailable as error: print(error)\n"
    )

    assert "not from the pinned wheel" in printed


def test_loaded_sdk_is_the_pinned_one() -> None:
    sdk = load_sdk("simulated")

    assert (sdk.native, sdk.version) == ("simulated", PINNED_VERSION)
    assert sdk.origin == Path(str(sdk.xttrader.__file__)).resolve().parent
