"""Session ids: rotated, persistent, and never used by two programs at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from qmt.sessionpool import SessionPool

PLATFORM = Path(__file__).resolve().parents[2] / "platform"


def take(pool: SessionPool) -> int:
    """Lease the next id and give it back."""
    lease = next(iter(pool.leases()))
    lease.release()
    return lease.session_id


def test_ids_rotate_and_the_position_survives_the_process(tmp_path: Path) -> None:
    assert [take(SessionPool(tmp_path, [5, 6, 7])) for _ in range(4)] == [5, 6, 7, 5]


def test_held_id_is_left_out(tmp_path: Path) -> None:
    held = next(iter(SessionPool(tmp_path, [5, 6]).leases()))

    assert [take(SessionPool(tmp_path, [5, 6])) for _ in range(3)] == [6, 6, 6]
    held.release()
    assert take(SessionPool(tmp_path, [5, 6])) == 5


def test_each_id_is_offered_once(tmp_path: Path) -> None:
    offered = [lease.session_id for lease in SessionPool(tmp_path, [5, 6, 7]).leases()]

    assert offered == [5, 6, 7]


def test_pool_without_a_free_id_offers_nothing(tmp_path: Path) -> None:
    held = list(SessionPool(tmp_path, [5, 6]).leases())

    assert list(SessionPool(tmp_path, [5, 6]).leases()) == []
    assert len(held) == 2


def test_lock_of_another_process_ends_when_it_is_killed(tmp_path: Path) -> None:
    code = (
        f"import sys, time; sys.path.insert(0, {str(PLATFORM)!r})\n"
        "from pathlib import Path\n"
        "from qmt.sessionpool import SessionPool\n"
        f"held = next(iter(SessionPool(Path({str(tmp_path)!r}), [5, 6]).leases()))\n"
        "print(held.session_id, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "5"
        assert [take(SessionPool(tmp_path, [5, 6])) for _ in range(2)] == [6, 6]
        other.kill()
    assert take(SessionPool(tmp_path, [5, 6])) == 5


@pytest.mark.parametrize("content", ["", "{", '{"last": 99}', "[]", '{"last": null}'])
def test_damaged_position_starts_at_the_beginning(tmp_path: Path, content: str) -> None:
    (tmp_path / "position.json").write_text(content)

    assert take(SessionPool(tmp_path, [5, 6])) == 5


@pytest.mark.parametrize("ids", [[], [5], [5, 5], [0, 1], [-1, 3]])
def test_pool_that_cannot_rotate_is_refused(tmp_path: Path, ids: list[int]) -> None:
    with pytest.raises(ValueError, match="at least two different positive ids"):
        SessionPool(tmp_path, ids)
