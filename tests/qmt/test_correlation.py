"""Which order an answer belongs to."""

from __future__ import annotations

from qmt.correlation import Correlator


def test_answer_in_front_of_its_number_is_held_until_the_call_returns() -> None:
    correlator: Correlator[str] = Correlator()
    correlator.begin()

    assert correlator.hold(7, "early")
    assert correlator.sent(7, "tag") == [(7, "early")]
    assert correlator.tag(7) == "tag"


def test_answer_behind_its_number_is_not_held() -> None:
    correlator: Correlator[str] = Correlator()
    correlator.begin()
    correlator.sent(7, "tag")

    assert not correlator.hold(7, "late")


def test_answer_without_any_call_out_is_not_held() -> None:
    assert not Correlator[str]().hold(7, "stray")


def test_answer_of_a_failed_call_is_told_when_the_last_call_is_back() -> None:
    correlator: Correlator[str] = Correlator()
    correlator.begin()
    correlator.begin()
    correlator.hold(7, "orphan")

    assert correlator.failed() == []
    assert correlator.sent(8, "other") == [(7, "orphan")]
    assert correlator.tag(7) == ""


def test_old_numbers_are_forgotten() -> None:
    correlator: Correlator[str] = Correlator()
    for seq in range(10_001):
        correlator.begin()
        correlator.sent(seq, str(seq))

    assert (correlator.tag(0), correlator.tag(1), correlator.tag(10_000)) == ("", "1", "10000")
