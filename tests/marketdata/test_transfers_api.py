"""Imports and exports over REST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.choices import Role
from accounts.models import QmtHost, User
from marketdata.models import BarImport, Instrument
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.periods import Period
from marketdata.quotes.store import segments_merge
from marketdata.services.transfers import transfers_work
from ops.models import Job
from tests.marketdata.conftest import MAOTAI
from tests.marketdata.fakes import WEEK, day_bars

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"])]

CSV = b"symbol,date,open,high,low,close,volume\n600519.SH,20230313,10,10.2,9.9,10.1,500\n"
SAID = {"period": "1d", "basis": "RAW", "volume_unit": "shares"}


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: QmtHost, maotai: Instrument) -> None:
    for module in ("imports.service", "exports"):
        monkeypatch.setattr(f"marketdata.services.{module}.transfers_wake", lambda _job: True)
    monkeypatch.setattr("marketdata.services.imports.service._folder", lambda: tmp_path / "imports")
    monkeypatch.setattr("marketdata.services.exports._folder", lambda: tmp_path / "exports")


def signed_in(name: str, role: Role) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(name, password="market-data-1", role=role))
    return client


def upload(client: Client, content: bytes = CSV, name: str = "bars.csv", **said: str) -> Any:
    return client.post("/api/v1/imports", {**SAID, **said, "file": SimpleUploadedFile(name, content)})


def test_import_from_upload_to_stored() -> None:
    admin = signed_in("root", Role.ADMIN)
    made = upload(admin)
    assert made.status_code == 201
    assert (made.json()["preview"]["good_rows"], made.json()["state"]) == (1, "PREVIEWED")
    confirmed = admin.post(f"{made['Location']}/confirm", {}, content_type="application/json")
    assert confirmed.status_code == 202
    transfers_work("test")
    assert admin.get(made["Location"]).json()["result"] == {"stored": 1, "kept_existing": 0, "skipped": {}}
    assert admin.get(confirmed["Location"]).json()["status"] == "DONE"


def test_import_by_a_trader_is_refused_and_keeps_nothing(tmp_path: Path) -> None:
    response = upload(signed_in("alice", Role.TRADER))
    assert (response.status_code, response.json()["code"]) == (403, "PERMISSION_DENIED")
    assert not BarImport.objects.exists()
    assert not (tmp_path / "imports").exists()


def test_import_over_the_limit_is_413_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketdata.api.transfers.MAX_BODY_BYTES", 10)
    response = upload(signed_in("root", Role.ADMIN))
    assert (response.status_code, response.json()["code"]) == (413, "FILE_TOO_LARGE")


def test_import_name_with_a_path_keeps_only_its_end() -> None:
    made = upload(signed_in("root", Role.ADMIN), name="../../etc/bars.csv")
    assert made.json()["file_name"] == "bars.csv"


def test_import_options_have_to_be_said() -> None:
    response = upload(signed_in("root", Role.ADMIN), basis="MAYBE")
    assert (response.status_code, response.json()["field"]) == (400, "basis")


def test_export_is_a_job_with_a_file_for_its_owner(maotai: Instrument) -> None:
    frame = day_bars(WEEK).rename(columns={"time": "ts"}).assign(suspended=False)
    segments_merge(period=Period.DAY_1, rows=QuoteColumns.from_frame(BAR, frame, instrument_id=maotai.pk))
    alice = signed_in("alice", Role.TRADER)
    wish = {"period": "1d", "format": "csv", "symbols": [MAOTAI], "start": "2023-03-14"}
    made = alice.post("/api/v1/exports", wish, content_type="application/json")
    job = Job.objects.get()
    file = f"/api/v1/exports/{job.pk}/file"
    assert (made.status_code, alice.get(file).status_code) == (202, 404)
    transfers_work("test")
    answer = alice.get(file)
    assert answer["Content-Disposition"] == 'attachment; filename="bars_1d.csv"'
    assert len(b"".join(answer.streaming_content).splitlines()) == 5  # type: ignore[attr-defined]
    assert signed_in("bob", Role.TRADER).get(file).status_code == 404


def test_export_of_a_reversed_range_is_refused() -> None:
    wish = {"period": "1d", "format": "csv", "start": "2023-03-14", "end": "2023-03-13"}
    response = signed_in("alice", Role.TRADER).post("/api/v1/exports", wish, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "RANGE_REVERSED")
    assert not Job.objects.exists()
