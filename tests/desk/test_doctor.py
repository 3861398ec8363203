"""The doctor's words."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command

from desk.doctor.machine import packages, python_version
from desk.doctor.platform_parts import platform_findings
from desk.settings.schema import get_config


@pytest.mark.parametrize(("version", "ok"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)])
def test_doctor_python_version_outside_the_supported_ones_fails(version: tuple[int, int], ok: bool) -> None:
    assert python_version(version).ok is ok


def test_doctor_names_each_wrong_package(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text('Django==1.0\n    # via nobody\nno-such-package==1\nabsent==1 ; sys_platform == "nowhere"\n')
    finding = packages(file)
    assert finding.ok is False
    assert finding.detail.startswith("Django 5.")
    assert finding.detail.endswith("no-such-package is missing")
    assert "pip install -r requirements.txt" in finding.advice


@pytest.mark.django_db(databases=["default", "quotes"])
def test_doctor_without_redis_says_what_to_do_and_that_orders_are_safe() -> None:
    findings = {finding.subject: finding for finding in platform_findings(get_config())}
    assert findings["database.default"].ok
    assert findings["migrations.default"].ok
    assert not findings["Redis"].ok
    assert "make run" in findings["Redis"].advice
    assert "Orders are accepted meanwhile" in findings["Redis"].advice
    assert not findings["process.worker.core"].ok


@pytest.mark.django_db(databases=["default", "quotes"])
def test_doctor_with_failures_exits_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        call_command("doctor")
    assert caught.value.code == 1
    printed = capsys.readouterr().out
    assert "FAIL Redis" in printed
    assert "Traceback" not in printed
