"""How many calls may wait at once."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from ops.errors import DeskError
from trading.functions.services.turnstile import Turnstile


def refusal(turnstile: Turnstile, user_id: int) -> str:
    """The code for one more call, or nothing."""
    try:
        with turnstile.passing(user_id):
            return ""
    except DeskError as error:
        return str(error.code)


def test_one_person_cannot_take_every_place() -> None:
    turnstile = Turnstile(total=3, each=2)
    with ExitStack() as waiting:
        for _ in range(2):
            waiting.enter_context(turnstile.passing(1))

        assert refusal(turnstile, 1) == "RATE_LIMITED"
        assert refusal(turnstile, 2) == ""

        waiting.enter_context(turnstile.passing(2))
        assert refusal(turnstile, 3) == "UNAVAILABLE"

    assert refusal(turnstile, 1) == refusal(turnstile, 3) == ""


def test_place_is_given_back_when_the_call_fails() -> None:
    turnstile = Turnstile(total=1, each=1)

    with pytest.raises(ZeroDivisionError), turnstile.passing(1):
        raise ZeroDivisionError

    assert refusal(turnstile, 1) == ""
