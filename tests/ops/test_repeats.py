"""What happens often is told at once, then by its number."""

from __future__ import annotations

from ops import repeats
from ops.repeats import Repeats


def test_first_of_a_key_is_told_and_the_next_ones_wait() -> None:
    told = Repeats(1000.0)
    assert [told.note("a"), told.note("a"), told.note("b"), told.note("a")] == [1, 0, 1, 0]


def test_what_waited_is_counted_when_its_time_has_come() -> None:
    told = Repeats(1000.0)
    assert [told.note("a") for _ in range(4)] == [1, 0, 0, 0]
    told._seconds = 0.0
    assert [told.note("a"), told.note("a")] == [4, 1]


def test_keys_without_end_take_no_room_without_end() -> None:
    told = Repeats(1000.0)
    for number in range(repeats.MAX_KEYS + 50):
        told.note(number)
    assert (len(told._keys), told.note(0), told.note(repeats.MAX_KEYS)) == (repeats.MAX_KEYS, 1, 0)
