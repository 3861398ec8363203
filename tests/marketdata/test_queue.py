"""The repair queue under several askers and workers; the command and the wake-up around it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import AsyncClient
from kombu.exceptions import OperationalError

from accounts.models import QmtHost, User
from marketdata import tasks
from marketdata.models import Instrument, RepairItem
from marketdata.quotes.periods import Period, day_number
from marketdata.services.queue import items_claim, repair_request
from marketdata.services.sharing import Reach
from ops.models import Job
from tests.marketdata.conftest import MAOTAI, PINGAN, RunnerFactory
from tests.marketdata.fakes import WEEK, FakeTerminal, day_bars, failed

FIRST, LAST = day_number(WEEK[0]), day_number(WEEK[-1])
BOTH_DATABASES = ["default", "quotes"]


def together(count: int, act: Callable[[int], object]) -> list[object]:
    """Call `act` on so many threads at one moment."""
    gate = threading.Barrier(count)
    results: list[object] = []

    def run(number: int) -> None:
        gate.wait()
        try:
            results.append(act(number))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def ask(instrument: Instrument, first: int, last: int, owner: int = 1) -> Job:
    return repair_request(
        ranges={instrument.pk: [(first, last)]},
        days={instrument.pk: last - first + 1},
        period=Period.DAY_1,
        host="sim",
        owner=owner,
    )


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_queue_parallel_requests_for_one_hole_share_one_item(maotai: Instrument) -> None:
    jobs = together(6, lambda number: ask(maotai, FIRST, FIRST + number % 3))
    item = RepairItem.objects.get()
    assert item.day_ranges == [(FIRST, FIRST + 2)]
    assert item.jobs.count() == len(jobs) == 6


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_queue_parallel_workers_never_claim_one_item_twice(maotai: Instrument, pingan: Instrument) -> None:
    for instrument in (maotai, pingan):
        ask(instrument, FIRST, LAST)
    claims = together(4, lambda number: items_claim(reach=Reach("sim"), holder=f"worker-{number}", limit=1))
    taken = [claim.item_id for part in claims for claim in part]  # type: ignore[attr-defined]
    assert sorted(taken) == sorted(set(taken))
    assert 1 <= len(taken) <= 2


@pytest.mark.django_db
def test_queue_small_job_goes_before_an_older_large_one(maotai: Instrument, pingan: Instrument) -> None:
    ask(maotai, FIRST - 2000, LAST)
    ask(pingan, LAST, LAST)
    (claim,) = items_claim(reach=Reach("sim"), holder="x", limit=1)
    assert claim.instrument_id == pingan.pk


@pytest.mark.django_db
def test_queue_other_hosts_leave_it_alone(maotai: Instrument) -> None:
    ask(maotai, FIRST, LAST)
    assert items_claim(reach=Reach("other"), holder="x", limit=9) == []


# ------------------------------------------------------------------------------- command
@pytest.mark.django_db(databases=BOTH_DATABASES)
def test_sync_shows_progress_until_complete(
    maotai: Instrument,
    terminal: FakeTerminal,
    host: QmtHost,
    make_runner: RunnerFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    runner = make_runner()
    monkeypatch.setattr("marketdata.management.commands.sync.time.sleep", lambda _seconds: runner.run_batch())
    out, err = StringIO(), StringIO()
    call_command("sync", symbols="600519", start="20230313", end="20230317", stdout=out, stderr=err)
    lines = out.getvalue().splitlines()
    assert lines[:2] == ["  0% queued", "100% 5/5 instrument-days"]
    assert lines[-1] == "Complete."
    assert "data worker of sim is not running" in err.getvalue()


@pytest.mark.django_db(databases=BOTH_DATABASES)
def test_sync_that_fails_says_what_is_missing_and_why(
    maotai: Instrument,
    terminal: FakeTerminal,
    host: QmtHost,
    make_runner: RunnerFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal.fail = [failed()] * 9
    runner = make_runner()
    monkeypatch.setattr("marketdata.management.commands.sync.time.sleep", lambda _seconds: runner.run_batch())
    with pytest.raises(CommandError) as caught:
        call_command("sync", symbols=MAOTAI, start="20230313", end="20230317", stdout=StringIO(), stderr=StringIO())
    assert str(caught.value).splitlines() == [
        "Not complete: 5 instrument-days are missing.",
        "  600519.SH: DownloadFailed: server busy",
    ]


@pytest.mark.django_db(databases=BOTH_DATABASES)
def test_sync_bad_input_is_one_sentence(maotai: Instrument, host: QmtHost) -> None:
    with pytest.raises(CommandError, match=r"^SYMBOL_UNKNOWN: unknown symbol: 999999$"):
        call_command("sync", symbols=f"{MAOTAI},999999")


@pytest.mark.django_db(databases=BOTH_DATABASES)
def test_sync_without_waiting_names_the_job(maotai: Instrument, host: QmtHost) -> None:
    out = StringIO()
    call_command("sync", symbols="all", start="20230313", end="20230317", no_wait=True, stdout=out)
    assert out.getvalue().strip() == f"job {Job.objects.get().pk}: 5 instrument-days missing"


# ------------------------------------------------------------------------------- wake-up
@pytest.mark.django_db
def test_wake_with_the_broker_away_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_options: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.repair, "apply_async", refuse)
    assert tasks.repair_wake(uuid4(), "sim") is False


@pytest.mark.django_db
def test_wake_goes_to_every_enabled_hosts_data_queue_with_the_id_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    QmtHost.objects.create(name="second")
    QmtHost.objects.create(name="away", enabled=False)
    sent: list[dict[str, object]] = []
    monkeypatch.setattr(tasks.repair, "apply_async", lambda **options: sent.append(options))
    job_id = uuid4()
    assert tasks.repair_wake(job_id, "sim") is True
    options = {"args": (str(job_id),), "expires": 60, "retry": False}
    assert sent == [options | {"queue": "qmt.sim.data"}, options | {"queue": "qmt.second.data"}]


def test_task_without_a_runtime_does_nothing() -> None:
    assert tasks.repair("no-such-job") == {"job_id": "no-such-job", "woken": False}


# ------------------------------------------------------------------------------ streaming
@pytest.mark.django_db(databases=BOTH_DATABASES, transaction=True)
async def test_bars_stream_under_asgi(
    maotai: Instrument, pingan: Instrument, terminal: FakeTerminal, make_runner: RunnerFactory
) -> None:
    from asgiref.sync import sync_to_async

    for symbol in (MAOTAI, PINGAN):
        terminal.put(symbol, "1d", day_bars(WEEK))
    user = await User.objects.acreate(username="alice")
    client = AsyncClient()
    await client.aforce_login(user)
    url = f"/api/v1/bars?symbols={MAOTAI},{PINGAN}&start=20230313&end=20230317&wait=0"
    assert (await client.get(url)).status_code == 202
    await sync_to_async(make_runner().run_all)()
    response = await client.get(url, headers={"accept": "text/csv"})
    assert response.is_async  # type: ignore[attr-defined]
    body = b"".join([piece async for piece in response.streaming_content])  # type: ignore[attr-defined]
    assert len(body.splitlines()) == 11
