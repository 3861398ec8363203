"""Findings over REST, and the command."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.choices import Role
from accounts.models import QmtHost, User
from marketdata.models import Instrument, IntegrityFinding
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.periods import Period
from marketdata.quotes.store import segments_merge
from marketdata.services.integrity import integrity_run
from ops.models import Job
from tests.marketdata.conftest import MAOTAI
from tests.marketdata.fakes import WEEK, day_bars

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch, host: QmtHost) -> None:
    monkeypatch.setattr("marketdata.services.integrity.jobs.integrity_wake", lambda _job: True)


@pytest.fixture
def finding(maotai: Instrument) -> IntegrityFinding:
    """A close above its high."""
    frame = day_bars(WEEK).rename(columns={"time": "ts"}).assign(suspended=False)
    frame.loc[2, "high"] = 10.0
    segments_merge(period=Period.DAY_1, rows=QuoteColumns.from_frame(BAR, frame, instrument_id=maotai.pk))
    integrity_run()
    return IntegrityFinding.objects.get(check_name="OHLC_ORDER")


def signed_in(name: str, role: Role) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(name, password="market-data-1", role=role))
    return client


def test_findings_are_open_to_everyone_signed_in(finding: IntegrityFinding) -> None:
    rows = signed_in("alice", Role.TRADER).get(f"/api/v1/integrity/findings?symbols={MAOTAI}&severity=SEVERE").json()
    (row,) = rows["results"]
    assert (row["symbol"], row["check"], row["state"], row["start_date"]) == (
        MAOTAI,
        "OHLC_ORDER",
        "OPEN",
        "2023-03-15",
    )


def test_trader_settles_nothing(finding: IntegrityFinding) -> None:
    alice = signed_in("alice", Role.TRADER)
    address = f"/api/v1/integrity/findings/{finding.pk}/acknowledge"
    response = alice.post(address, {"note": "fine"}, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (403, "PERMISSION_DENIED")
    finding.refresh_from_db()
    assert finding.state == "OPEN"


def test_risk_officer_acknowledges_with_a_reason(finding: IntegrityFinding) -> None:
    risk = signed_in("rita", Role.RISK)
    address = f"/api/v1/integrity/findings/{finding.pk}/acknowledge"
    assert risk.post(address, {}, content_type="application/json").status_code == 400
    body = risk.post(address, {"note": "the exchange's own figure"}, content_type="application/json").json()
    assert (body["state"], body["settled_by"], body["note"]) == ("ACKNOWLEDGED", "rita", "the exchange's own figure")
    assert risk.get("/api/v1/integrity/findings?check=OHLC_ORDER").json()["results"] == []


def test_repair_is_a_job(finding: IntegrityFinding, wakes: list[object]) -> None:
    risk = signed_in("rita", Role.RISK)
    response = risk.post(f"/api/v1/integrity/findings/{finding.pk}/repair")
    assert (response.status_code, response["Location"]) == (202, f"/api/v1/jobs/{Job.objects.get().pk}")


def test_command_runs_and_ends_with_2_when_something_severe_is_open(finding: IntegrityFinding) -> None:
    out = StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("integrity", "--symbols", MAOTAI, "--full", stdout=out)
    assert failure.value.returncode == 2
    assert "1 of 1 stretches checked: OHLC_ORDER 1; 0 repaired" in out.getvalue()
    assert f"SEVERE  OHLC_ORDER             {MAOTAI} 1d 2023-03-15 1 bars" in out.getvalue()


def test_command_without_findings_ends_well(maotai: Instrument) -> None:
    out = StringIO()
    call_command("integrity", stdout=out)
    assert "0 severe, 0 warning, 0 info open" in out.getvalue()


def test_command_of_an_unknown_symbol_says_so() -> None:
    with pytest.raises(CommandError, match="SYMBOL_UNKNOWN"):
        call_command("integrity", "--symbols", "999998.SH", stdout=StringIO())
