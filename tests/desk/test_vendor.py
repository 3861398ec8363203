"""Browser libraries: only named files, only when something changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desk import vendor


@pytest.fixture
def frontend(tmp_path: Path) -> Path:
    folder = tmp_path / "frontend"
    (folder / "node_modules" / "lib" / "dist").mkdir(parents=True)
    (folder / "node_modules" / "lib" / "dist" / "lib.mjs").write_text("export {}")
    (folder / "node_modules" / "lib" / "dist" / "lib.map").write_text("{}")
    (folder / "package.json").write_text(json.dumps({"vendor": {"lib/dist/lib.mjs": "lib.mjs"}}))
    (folder / "package-lock.json").write_text("{}")
    return folder


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    calls: list[Path] = []
    monkeypatch.setattr(vendor, "install", calls.append)
    return calls


def test_vendor_copies_the_named_files_only(frontend: Path, installs: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "vendor"
    assert vendor.bring_up_to_date(frontend, target) == 1
    assert sorted(path.name for path in target.iterdir()) == [".stamp", "lib.mjs"]


def test_vendor_second_run_installs_nothing(frontend: Path, installs: list[Path], tmp_path: Path) -> None:
    vendor.bring_up_to_date(frontend, tmp_path / "vendor")
    assert vendor.bring_up_to_date(frontend, tmp_path / "vendor") == 0
    assert installs == [frontend]


def test_vendor_changed_lock_installs_again_and_drops_old_files(
    frontend: Path, installs: list[Path], tmp_path: Path
) -> None:
    target = tmp_path / "vendor"
    vendor.bring_up_to_date(frontend, target)
    (target / "old.mjs").write_text("")
    (frontend / "package-lock.json").write_text('{"changed": true}')
    assert vendor.bring_up_to_date(frontend, target) == 1
    assert not (target / "old.mjs").exists()


def test_vendor_named_file_that_npm_did_not_bring_is_an_error(
    frontend: Path, installs: list[Path], tmp_path: Path
) -> None:
    (frontend / "package.json").write_text(json.dumps({"vendor": {"lib/gone.mjs": "gone.mjs"}}))
    with pytest.raises(vendor.VendorError, match=r"lib/gone\.mjs"):
        vendor.bring_up_to_date(frontend, tmp_path / "vendor")
