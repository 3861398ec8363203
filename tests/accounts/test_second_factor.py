"""Time-based codes and recovery codes: each good once, never stored readable, not guessable."""

from __future__ import annotations

from datetime import UTC, datetime

import pyotp
import pytest

from accounts import second_factor
from accounts.models import LoginThrottle, RecoveryCode, SecondFactor, User
from accounts.second_factor import code_accept, is_on, second_factor_begin, second_factor_confirm
from accounts.throttle import MAX_CODES_PER_PERSON
from ops.errors import Code, Conflict, Forbidden
from ops.models import AuditEvent
from tests.people import TEST_ACTOR, Team

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)

pytestmark = pytest.mark.postgres


class Clock:
    """A wall clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(second_factor, "wall_now", clock)
    return clock


def code_at(secret: str, clock: Clock, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(clock.now.timestamp()) + 30 * steps)


def switched_on(user: User, clock: Clock) -> tuple[str, list[str]]:
    """A person with a second factor whose first code was of the step before."""
    secret = second_factor_begin(user=user)
    codes = second_factor_confirm(actor=TEST_ACTOR, user=user, code=code_at(secret, clock, -1))
    return secret, codes


def refused(user: User, code: str) -> bool:
    try:
        code_accept(user, code)
    except Forbidden as error:
        return error.code == Code.SECOND_FACTOR_INVALID
    return False


def test_factor_counts_only_once_confirmed(team: Team, clock: Clock) -> None:
    secret = second_factor_begin(user=team.alice)
    assert not is_on(team.alice)
    with pytest.raises(Forbidden):
        second_factor_confirm(actor=TEST_ACTOR, user=team.alice, code="000000")
    assert not is_on(team.alice)
    codes = second_factor_confirm(actor=TEST_ACTOR, user=team.alice, code=code_at(secret, clock))
    assert is_on(team.alice)
    assert len(set(codes)) == 10
    assert AuditEvent.objects.filter(action="second_factor.added").count() == 1


def test_secret_and_recovery_codes_are_not_in_the_database_as_they_are(team: Team, clock: Clock) -> None:
    secret, codes = switched_on(team.alice, clock)
    assert secret not in SecondFactor.objects.get().sealed_secret
    stored = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert not stored & (set(codes) | {code.replace("-", "") for code in codes})


@pytest.mark.parametrize("steps", [0, 1])
def test_code_of_the_present_and_next_step_is_taken_once(team: Team, clock: Clock, steps: int) -> None:
    secret, _ = switched_on(team.alice, clock)
    code = code_at(secret, clock, steps)
    assert not refused(team.alice, code)
    assert refused(team.alice, code)


@pytest.mark.parametrize("steps", [-2, 2, 20])
def test_code_of_another_time_is_refused(team: Team, clock: Clock, steps: int) -> None:
    secret, _ = switched_on(team.alice, clock)
    assert refused(team.alice, code_at(secret, clock, steps))


def test_code_older_than_the_last_taken_one_is_refused(team: Team, clock: Clock) -> None:
    secret, _ = switched_on(team.alice, clock)
    assert not refused(team.alice, code_at(secret, clock, 1))
    assert refused(team.alice, code_at(secret, clock, 0))


@pytest.mark.parametrize("code", ["", "12345", "１２３４５６", "abcdef", "000000\n", "0" * 500])
def test_code_malformed_is_refused(team: Team, clock: Clock, code: str) -> None:
    switched_on(team.alice, clock)
    assert refused(team.alice, code)


def test_recovery_code_lets_in_once_in_any_spelling(team: Team, clock: Clock) -> None:
    _, codes = switched_on(team.alice, clock)
    assert not refused(team.alice, codes[0].lower().replace("-", " "))
    assert refused(team.alice, codes[0])
    assert AuditEvent.objects.get(action="recovery_code.used").after == {"left": 9}


def test_recovery_code_of_somebody_else_is_refused(team: Team, clock: Clock) -> None:
    _, codes = switched_on(team.alice, clock)
    switched_on(team.bob, clock)
    assert refused(team.bob, codes[0])


def test_guessing_ends_even_with_the_right_code(team: Team, clock: Clock) -> None:
    secret, _ = switched_on(team.alice, clock)
    for _ in range(MAX_CODES_PER_PERSON):
        assert refused(team.alice, "000000")
    assert refused(team.alice, code_at(secret, clock))
    LoginThrottle.objects.all().delete()
    assert not refused(team.alice, code_at(secret, clock))


def test_second_setup_needs_the_first_removed(team: Team, clock: Clock) -> None:
    switched_on(team.alice, clock)
    with pytest.raises(Conflict):
        second_factor_begin(user=team.alice)
    assert second_factor.second_factor_remove(actor=TEST_ACTOR, user=team.alice)
    assert not is_on(team.alice)
    assert RecoveryCode.objects.count() == 0


def test_factor_sealed_under_another_key_lets_nobody_in(team: Team, clock: Clock) -> None:
    secret, _ = switched_on(team.alice, clock)
    SecondFactor.objects.update(sealed_secret="broken")
    assert refused(team.alice, code_at(secret, clock))
