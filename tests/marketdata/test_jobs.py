"""What people do to jobs, over REST and from the command line; how jobs survive their workers."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.choices import Role
from accounts.models import QmtHost, User
from marketdata.models import Instrument, RepairItem
from marketdata.quotes.periods import Period, day_number
from marketdata.services.queue import items_claim, repair_request
from marketdata.services.sharing import Reach
from ops.jobs import job_claim, job_create, job_progress, job_start, jobs_release
from ops.models import AuditEvent, Job
from tests.marketdata.conftest import MAOTAI, PINGAN, RunnerFactory
from tests.marketdata.fakes import WEEK, FakeTerminal, day_bars, failed

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"])]

FIRST, LAST = day_number(WEEK[0]), day_number(WEEK[-1])


@pytest.fixture(autouse=True)
def _no_wakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketdata.services.jobcontrol.repair_wake", lambda _job_id, _host: True)


@pytest.fixture
def alice(host: QmtHost) -> User:
    return User.objects.create_user("alice", role=Role.TRADER)


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def ask(*instruments: Instrument, owner: int | None = None) -> Job:
    return repair_request(
        ranges={row.pk: [(FIRST, LAST)] for row in instruments},
        days={row.pk: 5 for row in instruments},
        period=Period.DAY_1,
        host="sim",
        owner=owner,
    )


def act(client: Client, job: Job | UUID, what: str, status: int = 200) -> dict[str, object]:
    key = job.pk if isinstance(job, Job) else job
    response = client.post(f"/api/v1/jobs/{key}/{what}")
    assert response.status_code == status, response.content
    body: dict[str, object] = response.json()
    return body


# ----------------------------------------------------------------------------- pause, resume
def test_paused_job_is_not_claimed_and_goes_on_when_resumed(client: Client, alice: User, maotai: Instrument) -> None:
    job = ask(maotai, owner=alice.pk)

    assert act(client, job, "pause")["status"] == "PAUSED"
    assert items_claim(reach=Reach("sim"), holder="x", limit=9) == []
    assert act(client, job, "resume")["status"] == "PENDING"
    assert len(items_claim(reach=Reach("sim"), holder="x", limit=9)) == 1

    actions = AuditEvent.objects.filter(target=f"job:{job.pk}").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["job.paused", "job.resumed"]


def test_item_that_another_job_waits_for_is_worked_on_all_the_same(
    client: Client, alice: User, maotai: Instrument
) -> None:
    job = ask(maotai, owner=alice.pk)
    ask(maotai)
    act(client, job, "pause")

    assert len(items_claim(reach=Reach("sim"), holder="x", limit=9)) == 1


def test_batch_under_way_ends_its_round_although_its_job_was_paused(
    client: Client,
    alice: User,
    maotai: Instrument,
    terminal: FakeTerminal,
    make_runner: RunnerFactory,
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    job = ask(maotai, owner=alice.pk)
    job_start(job.pk)
    runner = make_runner()
    runner._sleep = lambda _seconds: act(client, job, "pause")  # type: ignore[assignment]
    terminal.landing_reads = 1

    runner.run_batch()

    job.refresh_from_db()
    assert (job.status, RepairItem.objects.get().status) == ("DONE", "DONE")


@pytest.mark.parametrize(
    ("before", "what", "code"),
    [
        ("PAUSED", "pause", "CONFLICT"),
        ("PENDING", "resume", "CONFLICT"),
        ("PENDING", "retry", "CONFLICT"),
        ("DONE", "pause", "JOB_ENDED"),
        ("DONE", "resume", "JOB_ENDED"),
        ("DONE", "cancel", "JOB_ENDED"),
        ("DONE", "retry", "JOB_NOTHING_FAILED"),
    ],
)
def test_act_that_does_not_fit_is_refused_and_changes_nothing(
    client: Client, alice: User, maotai: Instrument, before: str, what: str, code: str
) -> None:
    job = ask(maotai, owner=alice.pk)
    Job.objects.filter(pk=job.pk).update(status=before)
    events = AuditEvent.objects.count()

    assert act(client, job, what, 409)["code"] == code

    job.refresh_from_db()
    assert (job.status, RepairItem.objects.get().status) == (before, "PENDING")
    assert (AuditEvent.objects.count(), Job.objects.count()) == (events, 1)


def test_job_without_parts_cannot_be_paused(client: Client, alice: User) -> None:
    job = job_create(kind="static", owner=alice.pk)
    assert act(client, job, "pause", 409)["code"] == "JOB_NOT_PAUSABLE"


@pytest.mark.parametrize("what", ["pause", "resume", "retry", "cancel"])
def test_other_peoples_jobs_are_not_there(client: Client, maotai: Instrument, what: str) -> None:
    job = ask(maotai, owner=None)
    assert act(client, job, what, 404)["code"] == "JOB_NOT_FOUND"
    assert Job.objects.get().status == "PENDING"


# ------------------------------------------------------------------------------------ retry
def test_retry_takes_what_failed_and_leaves_the_old_job_as_it_is(
    client: Client,
    alice: User,
    maotai: Instrument,
    pingan: Instrument,
    terminal: FakeTerminal,
    make_runner: RunnerFactory,
) -> None:
    for symbol in (MAOTAI, PINGAN):
        terminal.put(symbol, "1d", day_bars(WEEK))
    # The fake lands the first half of a failing call.
    terminal.fail = [failed()] * 3
    job = ask(pingan, maotai, owner=alice.pk)
    make_runner().run_all()
    job.refresh_from_db()
    assert (job.status, len(job.result["failed"])) == ("PARTIAL", 1)

    body = act(client, job, "retry", 201)
    again = Job.objects.get(pk=str(body["id"]))
    make_runner().run_all()

    again.refresh_from_db()
    assert (again.status, again.total, again.params["retry_of"]) == ("DONE", 5, str(job.pk))
    job.refresh_from_db()
    assert job.status == "PARTIAL"


# ------------------------------------------------------------------------------------- items
def test_items_of_a_job_are_paged_and_filtered(
    client: Client, alice: User, maotai: Instrument, pingan: Instrument
) -> None:
    job = ask(maotai, pingan, owner=alice.pk)
    RepairItem.objects.filter(instrument=pingan).update(status="FAILED", trouble="EMPTY", error="nothing", attempts=3)

    first = client.get(f"/api/v1/jobs/{job.pk}/items?limit=1").json()
    second = client.get(f"/api/v1/jobs/{job.pk}/items?limit=1&cursor={first['next']}").json()
    failed_only = client.get(f"/api/v1/jobs/{job.pk}/items?status=FAILED").json()["results"]

    assert [row["symbol"] for row in (*first["results"], *second["results"])] == [PINGAN, MAOTAI]
    assert second["next"] is None
    (row,) = failed_only
    assert (row["symbol"], row["status"], row["trouble"], row["error"], row["attempts"]) == (
        PINGAN,
        "FAILED",
        "EMPTY",
        "nothing",
        3,
    )
    assert row["ranges"] == [["2023-03-13", "2023-03-17"]]


def test_items_of_another_persons_job_are_not_there(client: Client, maotai: Instrument) -> None:
    assert client.get(f"/api/v1/jobs/{ask(maotai).pk}/items").status_code == 404


# -------------------------------------------------------------------------------------- sync
def test_sync_by_a_person_makes_their_job(client: Client, alice: User, maotai: Instrument) -> None:
    body = {"symbols": ["600519"], "start": "20230313", "end": "20230317"}
    response = client.post("/api/v1/sync", body, content_type="application/json")

    job = Job.objects.get()
    assert (response.status_code, response["Location"]) == (202, f"/api/v1/jobs/{job.pk}")
    assert (response.json()["missing_days"], response.json()["job"]["id"], job.owner) == (5, str(job.pk), alice.pk)


def test_sync_with_nothing_missing_makes_no_job(
    client: Client, maotai: Instrument, terminal: FakeTerminal, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    ask(maotai)
    make_runner().run_all()
    body = {"symbols": ["600519"], "start": "20230313", "end": "20230317"}
    response = client.post("/api/v1/sync", body, content_type="application/json")

    assert (response.status_code, response.json()) == (200, {"complete": True, "missing_days": 0, "job": None})
    assert Job.objects.count() == 1


def test_command_steers_a_job(maotai: Instrument, host: QmtHost) -> None:
    job = ask(maotai)
    out = StringIO()
    call_command("sync", "--pause", str(job.pk), stdout=out)
    assert out.getvalue().strip() == f"job {job.pk}: PAUSED"
    call_command("sync", "--resume", str(job.pk), no_wait=True, stdout=StringIO())
    call_command("sync", "--cancel", str(job.pk), stdout=StringIO())
    job.refresh_from_db()
    assert job.status == "CANCELLED"
    with pytest.raises(CommandError, match="JOB_ENDED"):
        call_command("sync", "--pause", str(job.pk), stdout=StringIO())


# ------------------------------------------------------------------------------------ leases
def test_job_is_claimed_once_and_taken_over_when_its_lease_has_run_out() -> None:
    job = job_create(kind="k", params={"host": "sim"})
    job_create(kind="k", params={"host": "other"})

    first = job_claim(kinds=["k"], host="sim", holder="a", seconds=20)
    second = job_claim(kinds=["k"], host="sim", holder="b", seconds=20)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    third = job_claim(kinds=["k"], host="sim", holder="b", seconds=20)

    assert (first and first.pk, second, third and third.lease_holder) == (job.pk, None, "b")


def test_released_job_waits_again() -> None:
    job = job_create(kind="k", params={"host": "sim"})
    job_claim(kinds=["k"], host="sim", holder="a", seconds=20)
    assert jobs_release(holder="a") == 1
    job.refresh_from_db()
    assert (job.status, job.lease_holder) == ("PENDING", "")


def test_rate_follows_the_latest_stretch_and_gives_the_time_left() -> None:
    job = job_create(kind="k", total=100)
    job_start(job.pk)
    Job.objects.filter(pk=job.pk).update(progressed_at=timezone.now() - timedelta(seconds=10))
    job_progress(job.pk, done=20, force=True)
    job.refresh_from_db()
    assert job.rate == pytest.approx(2.0, rel=0.05)
    assert job.seconds_left == pytest.approx(40.0, rel=0.05)

    Job.objects.filter(pk=job.pk).update(progressed_at=timezone.now() - timedelta(seconds=4), rate=2.0)
    job_progress(job.pk, done=40, force=True)
    job.refresh_from_db()
    assert job.rate == pytest.approx(3.0, rel=0.05)
