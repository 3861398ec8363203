"""Reads: repeated with back-off, never for ever; pages; downloads that are followed; what an answer becomes."""

from __future__ import annotations

import datetime as dt
import json
import pickle
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from qmtdesk.errors import (
    DeskError,
    IncompleteData,
    JobEnded,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ServerFailed,
    StillDownloading,
    Unreachable,
)
from qmtdesk.flows import jobs, market, trading
from qmtdesk.frames import ARROW
from qmtdesk.models import Job
from qmtdesk.queries import moment_text, number_text
from qmtdesk.steps import Reply
from tests.client.players import CUT, Player, answer, order_body, refusal

ASSET = {
    "account": 1,
    "cash": "12.34",
    "frozen_cash": "0.00",
    "market_value": "1.00",
    "total_asset": "13.34",
    "at": "2026-11-20T02:00:00.000Z",
}


def job_body(status: str = "RUNNING", done: int = 1, **changes: Any) -> dict[str, Any]:
    over = status in ("DONE", "PARTIAL", "FAILED", "CANCELLED")
    return {
        "id": "j1",
        "kind": "repair",
        "status": status,
        "total": 4,
        "done": done,
        "message": f"{done} of 4",
        "error": "",
        "finished_at": "2026-11-20T02:00:00Z" if over else None,
    } | changes


def pending(**changes: Any) -> Reply:
    return answer(202, {"complete": False, "job": job_body(**changes), "missing_days": 4})


def arrow(closes: list[float], **head: Any) -> Reply:
    said = {"complete": True, "missing_days": 0, "failures": {}, "evidence": {}} | head
    stamps = pa.array([86_400_000 * n for n in range(len(closes))], pa.timestamp("ms", tz="Asia/Shanghai"))
    schema = pa.schema(
        [("symbol", pa.string()), ("time", stamps.type), ("close", pa.float64())],
        metadata={"desk.bars": json.dumps(said)},
    )
    table = pa.Table.from_arrays([pa.array(["600519.SH"] * len(closes)), stamps, pa.array(closes)], schema=schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(table)
    return Reply(200, {}, sink.getvalue().to_pybytes())


# ------------------------------------------------------------------------------------------------------------ repeating
def test_read_is_repeated_after_cuts_with_growing_pauses() -> None:
    player = Player([CUT, CUT, CUT, answer(200, ASSET)])
    asset = player.run(trading.asset(player.settings))
    assert asset.cash == Decimal("12.34")
    assert player.pauses == sorted(player.pauses)
    assert len(player.pauses) == 3


def test_read_gives_up_after_its_attempts() -> None:
    player = Player([CUT] * 5)
    with pytest.raises(Unreachable):
        player.run(trading.asset(player.settings))


def test_read_waits_as_long_as_the_platform_says() -> None:
    player = Player([Reply(429, {"retry-after": "7"}, b"{}"), answer(200, ASSET)])
    player.run(trading.asset(player.settings))
    assert player.pauses == [7]


def test_last_429_is_raised_with_its_seconds() -> None:
    player = Player([refusal(429, "RATE_LIMITED", retry_after_seconds=3)] * 5)
    with pytest.raises(RateLimited) as caught:
        player.run(trading.asset(player.settings))
    assert caught.value.retry_after == 3


def test_refusal_is_not_repeated() -> None:
    player = Player([refusal(404, "ACCOUNT_NOT_FOUND", account=9)])
    with pytest.raises(NotFound) as caught:
        player.run(trading.asset(player.settings, account=9))
    assert (caught.value.code, caught.value.facts, caught.value.status) == ("ACCOUNT_NOT_FOUND", {"account": 9}, 404)


def test_page_of_a_proxy_is_repeated_and_a_page_of_an_old_proxy_is_an_error() -> None:
    player = Player([Reply(502, {}, b"<html>"), answer(200, ASSET)])
    player.run(trading.asset(player.settings))
    player = Player([Reply(500, {}, b"<html>")])
    with pytest.raises(ServerFailed, match="NOT_UNDERSTOOD: HTTP 500"):
        player.run(trading.asset(player.settings))


def test_answer_that_is_not_what_was_asked_for_is_an_error_that_names_the_field() -> None:
    player = Player([answer(200, ASSET | {"cash": "much"})])
    with pytest.raises(DeskError) as caught:
        player.run(trading.asset(player.settings))
    assert (caught.value.code, caught.value.field) == ("NOT_UNDERSTOOD", "cash")


def test_errors_survive_pickling() -> None:
    error = OutcomeUnknown("key-1", "no answer")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), again.key, str(again)) == (OutcomeUnknown, "key-1", str(error))


def test_call_without_an_account_says_how_to_name_one() -> None:
    player = Player()
    settings = player.settings.__class__(progress=False)
    with pytest.raises(ValueError, match="name an account"):
        player.run(trading.asset(settings))


# ---------------------------------------------------------------------------------------------------------------- pages
def test_pages_are_followed_to_the_limit_and_no_further() -> None:
    first = answer(200, {"results": [order_body(id="a"), order_body(id="b")], "next": "c1"})
    second = answer(200, {"results": [order_body(id="c")], "next": "c2"})
    player = Player([first, second])
    found = player.run(trading.orders(player.settings, limit=3))
    assert [order.id for order in found] == ["a", "b", "c"]
    assert [request.params["limit"] for request in player.requests] == ["3", "1"]
    assert player.requests[1].params["cursor"] == "c1"


# ------------------------------------------------------------------------------------------------------------------ bars
def test_bars_are_a_frame_with_the_answers_head() -> None:
    player = Player([arrow([1.5, 2.5], source={"host": "sim"})])
    frame = player.run(market.bars(player.settings, ["600519", "000001"], start=dt.date(2023, 3, 17)))
    request = player.requests[0]
    assert (request.accept, request.params["symbols"], request.params["start"]) == (ARROW, "600519,000001", "20230317")
    assert frame["close"].tolist() == [1.5, 2.5]
    assert str(frame["time"].dtype) == "datetime64[ms, Asia/Shanghai]"
    assert frame.attrs["desk"]["source"] == {"host": "sim"}


def test_bars_that_lack_days_warn() -> None:
    player = Player([arrow([1.5], complete=False, missing_days=3, failures={"600519.SH": "TERMINAL_DOWN"})])
    with pytest.warns(IncompleteData, match="3 instrument-days are missing: .*TERMINAL_DOWN"):
        player.run(market.bars(player.settings, "600519"))


def test_many_symbols_are_asked_for_in_batches() -> None:
    names = [f"{n:06d}.SZ" for n in range(401)]
    player = Player([arrow([1.0]), arrow([2.0], complete=False, missing_days=2)])
    with pytest.warns(IncompleteData):
        frame = player.run(market.bars(player.settings, names))
    assert [request.params["symbols"].count(",") for request in player.requests] == [399, 0]
    assert (frame["close"].tolist(), frame.attrs["desk"]["missing_days"]) == ([1.0, 2.0], 2)


def test_download_is_followed_with_its_progress_and_asked_again() -> None:
    seen: list[int] = []
    player = Player([pending(), answer(200, job_body(done=3)), answer(200, job_body("DONE", done=4)), arrow([1.0])])
    settings = player.settings.__class__(progress=lambda job: seen.append(job.done), clock=lambda: player.now)
    player.run(market.bars(settings, "600519"))
    assert player.asked == ["GET /bars", "GET /jobs/j1", "GET /jobs/j1", "GET /bars"]
    assert seen == [1, 3, 4]


def test_download_beyond_the_wait_names_its_job() -> None:
    player = Player([pending()], forever=answer(200, job_body(done=2)))
    with pytest.raises(StillDownloading) as caught:
        player.run(market.bars(player.settings, "600519", wait=10))
    assert caught.value.facts == {"job": "j1"}
    assert player.now == pytest.approx(10)


def test_download_that_somebody_cancelled_is_not_begun_again() -> None:
    player = Player([pending(), answer(200, job_body("CANCELLED", message="cancelled by alice"))])
    with pytest.raises(JobEnded, match="cancelled by alice"):
        player.run(market.bars(player.settings, "600519"))


def test_download_that_never_completes_ends() -> None:
    player = Player(forever=pending(status="DONE"))
    with pytest.raises(StillDownloading):
        player.run(market.bars(player.settings, "600519"))
    assert player.asked == ["GET /bars"] * market.MAX_TURNS


def test_sync_follows_to_the_end_when_asked_to() -> None:
    accepted = answer(202, {"complete": False, "missing_days": 4, "job": job_body()})
    player = Player([accepted, answer(200, job_body("DONE", done=4))])
    done = player.run(jobs.sync(player.settings, "600519.SH", start="20230101", wait=None))
    assert player.requests[0].body == {"symbols": ["600519.SH"], "period": "1d", "start": "20230101"}
    assert (done.complete, done.job and done.job.status) == (True, "DONE")


def test_sync_that_failed_raises_with_its_words() -> None:
    accepted = answer(202, {"complete": False, "missing_days": 4, "job": job_body()})
    player = Player([accepted, answer(200, job_body("PARTIAL", error="TERMINAL_DOWN"))])
    with pytest.raises(JobEnded, match="PARTIAL: TERMINAL_DOWN"):
        player.run(jobs.sync(player.settings, "600519.SH", wait=None))


def test_quotes_are_keyed_by_symbol() -> None:
    row = {"symbol": "600519.SH", "ts": 1, "last": 10.5, "bid": [10.4], "ask": [10.6], "bid_volume": [100]}
    player = Player([answer(200, {"results": [row]})])
    quotes = player.run(market.quotes(player.settings, "600519"))
    assert (quotes["600519.SH"].last, quotes["600519.SH"].bid, quotes["600519.SH"].bid_volume) == (
        10.5,
        (10.4,),
        (100,),
    )


def test_financials_are_a_frame_per_table() -> None:
    rows = [
        {"symbol": "600519.SH", "table": "Capital", "report_date": "2023-03-31", "announced_on": "2023-04-20"}
        | {"values": {"total_capital": 5.0}},
        {"symbol": "600519.SH", "table": "Income", "report_date": "2023-03-31", "announced_on": None}
        | {"values": {"revenue": 7.0}},
    ]
    player = Player([answer(200, {"results": rows, "next": None})])
    frames = player.run(market.financials(player.settings, "600519", "Capital,Income"))
    assert list(frames) == ["Capital", "Income"]
    assert frames["Capital"].iloc[0].to_dict() == {
        "symbol": "600519.SH",
        "report_date": pd.Timestamp("2023-03-31"),
        "announced_on": pd.Timestamp("2023-04-20"),
        "total_capital": 5.0,
    }


# ---------------------------------------------------------------------------------------------------------------- texts
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2023-03-17", "2023-03-17"),
        (dt.date(2023, 3, 17), "20230317"),
        (dt.datetime(2023, 3, 17, 9, 31), "20230317093100"),  # noqa: DTZ001
        (dt.datetime(2023, 3, 17, 1, 31, tzinfo=dt.UTC), "20230317093100"),
    ],
)
def test_moment_text(value: Any, text: str) -> None:
    assert moment_text(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.1 + 0.2, "0.30000000000000004"), (1e-7, "0.0000001"), (10, "10")])
def test_number_text_is_the_shortest_plain_text(value: float, text: str) -> None:
    assert number_text(value) == text


def test_job_is_over_when_it_has_ended() -> None:
    assert not Job("j", "repair", "PAUSED", 1, 0).is_over
