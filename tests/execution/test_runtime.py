"""The loop: every open execution gets its turn, whatever another one does."""

from __future__ import annotations

import logging
from uuid import UUID

import pytest

from tests.execution.floor import Floor
from tests.orders.bench import MOUTAI
from trading.execution import runtime
from trading.execution.choices import State
from trading.execution.services import drive

pytestmark = pytest.mark.django_db


def test_round_drives_every_open_execution_and_no_ended_one(floor: Floor) -> None:
    first, second = floor.split(), floor.split(symbol="000001.SZ", price="12.00")
    assert runtime.drive_all() == 2
    assert len(floor.orders(first)) == len(floor.orders(second)) == 1
    for execution in (first, second):
        type(execution).objects.filter(pk=execution.pk).update(state=State.CANCELLED, final_at=execution.created_at)
    assert runtime.drive_all() == 0


def test_round_goes_on_when_one_execution_cannot_be_driven(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, fine = floor.split(), floor.split(symbol="000001.SZ", price="12.00")

    def step(pk: UUID) -> bool:
        if pk == broken.pk:
            raise ValueError("broken")
        return drive.step(pk)

    monkeypatch.setattr(runtime, "step", step)
    with caplog.at_level(logging.ERROR):
        assert runtime.drive_all() == 2
    assert str(broken.pk) in caplog.text
    assert [order.symbol for order in floor.orders(fine)] == ["000001.SZ"]
    assert floor.orders(broken) == []


def test_two_loops_over_the_same_rows_place_each_child_once(floor: Floor) -> None:
    execution = floor.split(600, 200)
    for _ in range(3):
        runtime.drive_all()
        runtime.drive_all()
        floor.fill(floor.orders(execution)[-1])
    runtime.drive_all()
    assert [order.quantity for order in floor.orders(execution)] == [200, 200, 200]
    assert {order.symbol for order in floor.orders(execution)} == {MOUTAI}
