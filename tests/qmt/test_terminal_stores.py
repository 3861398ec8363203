"""The terminal's own memory of what landed, its faults, its frames."""

from __future__ import annotations

import itertools
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmt.sdk import Sdk
from qmt.terminal import bson, protocol
from qmt.terminal.faults import Fault, FaultAction, FaultPlan
from qmt.terminal.history import HistoryError, bound_ms
from qmt.terminal.landed import LandedStore, Stretch
from qmt.terminal.protocol import LinkClosed, ProtocolError

JSONLIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc中", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc中", min_size=1, max_size=3), JSONLIKE, max_size=5))
def test_bson_comes_back_as_it_went(document: dict[str, object]) -> None:
    assert bson.decode(bson.encode(document)) == document


def test_bson_is_the_sdk_own_dialect(sdk: Sdk) -> None:
    document = {"a": 1, "b": [1.5, "中", None, True], "c": {"d": 1 << 40}, "e": b"\x00\x01"}

    assert sdk.xtbson.BSON.decode(bson.encode(document)) == document
    assert bson.decode(sdk.xtbson.BSON.encode(document)) == document


@pytest.mark.parametrize("data", [b"", b"\x05\x00\x00\x00", b"\x06\x00\x00\x00\x00\x00", b"\xff\xff\xff\x7f\x00"])
def test_damaged_bson_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="BSON"):
        bson.decode(data)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=12))
def test_landed_stretches_are_the_union_of_what_landed(landings: list[tuple[int, int]]) -> None:
    store = LandedStore(None, "market")
    expected: set[int] = set()
    for start, length in landings:
        store.add("600519.SH", "1d", Stretch(start, start + length, 100))
        expected |= set(range(start, start + length + 1))

    stretches = store.stretches("600519.SH", "1d")

    assert {moment for piece in stretches for moment in range(piece.start_ms, piece.end_ms + 1)} == expected
    assert all(a.end_ms + 1 < b.start_ms for a, b in itertools.pairwise(stretches))
    store.close()


def test_landed_history_survives_a_restart_and_not_another_market(tmp_path: Path) -> None:
    path = tmp_path / "landed.sqlite3"
    store = LandedStore(path, "seeded-7")
    store.add("600519.SH", "1d", Stretch(1, 5, 9))
    store.close()

    again = LandedStore(path, "seeded-7")
    assert again.stretches("600519.SH", "1d") == [Stretch(1, 5, 9)]
    again.close()
    other = LandedStore(path, "seeded-8")
    assert other.stretches("600519.SH", "1d") == []
    other.close()


def test_newer_end_tells_how_late_it_was() -> None:
    store = LandedStore(None, "market")
    store.add("x", "1d", Stretch(0, 50, 60))
    store.add("x", "1d", Stretch(0, 50, 90))
    store.add("x", "1d", Stretch(0, 20, 200))

    assert store.stretches("x", "1d") == [Stretch(0, 50, 90)]
    store.close()


def test_fault_strikes_as_often_as_it_was_armed_for() -> None:
    plan = FaultPlan()
    plan.arm(Fault(FaultAction.LOSE, "orderStock", count=2))

    struck = [plan.take("orderStock", FaultAction.LOSE) is not None for _ in range(3)]

    assert struck == [True, True, False]
    assert plan.take("cancelOrderStock", FaultAction.LOSE) is None
    assert plan.used() == {"lose:orderStock": 2}


def test_fault_on_everything_strikes_any_target() -> None:
    plan = FaultPlan()
    plan.arm(Fault(FaultAction.DELAY, count=-1))

    assert all(plan.take(target, FaultAction.DELAY) for target in ("a", "b", "a"))
    plan.clear()
    assert plan.armed() == []


@pytest.mark.parametrize(
    "fault", [Fault(FaultAction.LOSE, count=0), Fault(FaultAction.LOSE, count=-2), Fault(FaultAction.DELAY, seconds=-1)]
)
def test_fault_that_means_nothing_is_refused(fault: Fault) -> None:
    with pytest.raises(ValueError, match="not a fault"):
        FaultPlan().arm(fault)


@pytest.mark.parametrize("text", ["2024", "20241301", "2024010112", "abcdefgh", "20240101250000", "２０２４０１０１"])
def test_malformed_bound_is_refused(text: str) -> None:
    with pytest.raises(HistoryError, match="not a time"):
        bound_ms(text, upper=False)


def test_bounds_close_their_day_and_second() -> None:
    day = 86_400_000

    assert bound_ms("20240102", upper=True) - bound_ms("20240102", upper=False) == day - 1
    assert bound_ms("20240102093000", upper=True) - bound_ms("20240102093000", upper=False) == 999
    assert bound_ms("", upper=True) > bound_ms("20991231", upper=True)


def test_frame_crosses_a_socket_whole() -> None:
    left, right = socket.socketpair()
    frame = {"kind": "call", "data": b"\x00" * 300_000, "list": [1, 2.5, None, "中"]}

    sender = threading.Thread(target=protocol.send, args=(left, frame))
    sender.start()

    assert protocol.receive(right) == frame
    sender.join()
    left.close()
    right.close()


@pytest.mark.parametrize("sent", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1", b"\x00\x00\x00\x01\x05"])
def test_bytes_that_are_no_frame_are_refused(sent: bytes) -> None:
    left, right = socket.socketpair()
    left.sendall(sent)

    with pytest.raises(ProtocolError):
        protocol.receive(right)
    left.close()
    right.close()


def test_ended_connection_is_said() -> None:
    left, right = socket.socketpair()
    left.close()

    with pytest.raises(LinkClosed):
        protocol.receive(right)
    right.close()
