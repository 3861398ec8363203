"""Submissions whose answers are lost: looked up by their key, sent again with the same one only, given up honestly."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmtdesk.errors import Conflict, Denied, DeskError, NotAllowed, OutcomeUnknown, RateLimited, Unreachable
from qmtdesk.flows import trading
from qmtdesk.models import Order
from qmtdesk.steps import Reply, Request
from tests.client.players import CUT, Player, answer, order_body, refusal

POST, LOOK = "POST /orders", "GET /orders"
PLACED = answer(201, order_body())
NONE = answer(200, {"results": [], "next": None})
FOUND = answer(200, {"results": [order_body(status="REPORTED")], "next": None})


def submit(player: Player, **changes: object) -> Order:
    terms: dict[str, object] = {"symbol": "600519.SH", "side": "BUY", "quantity": 100, "price": "10.00", **changes}
    return player.run(trading.submit(player.settings, **terms))  # type: ignore[arg-type]


def test_submit_sends_a_key_and_decimal_text() -> None:
    player = Player([PLACED])
    order = submit(player, price=10.1)
    assert player.requests[0].body == {
        "account": 1,
        "symbol": "600519.SH",
        "side": "BUY",
        "quantity": 100,
        "price_type": "LIMIT",
        "price": "10.1",
        "client_order_id": "key-1",
    }
    assert (order.status, order.price) == ("QUEUED", Decimal("10.00"))


def test_cut_submit_that_arrived_is_found_and_not_sent_again() -> None:
    player = Player([CUT, FOUND])
    order = submit(player)
    assert player.asked == [POST, LOOK]
    assert player.requests[1].params == {"account": "1", "client_order_id": "key-1", "limit": "2"}
    assert order.status == "REPORTED"


def test_cut_submit_that_did_not_arrive_is_sent_again_under_the_same_key() -> None:
    player = Player([CUT, NONE, PLACED])
    submit(player)
    assert player.asked == [POST, LOOK, POST]
    assert player.requests[0] == player.requests[2]


def test_cut_submit_without_any_answer_ends_as_unknown_with_its_key() -> None:
    player = Player(forever=CUT)
    with pytest.raises(OutcomeUnknown) as caught:
        submit(player)
    assert caught.value.key == "key-1"
    assert player.now >= player.settings.order_seconds
    # The lookup never answered, so nothing was sent a second time.
    assert player.asked.count(POST) == 1


@pytest.mark.parametrize(
    "lost",
    [
        CUT,
        Reply(200, {}, b"<html>"),
        answer(502),
        answer(504),
        Reply(503, {}, b"<html>"),
        refusal(500, "INTERNAL_ERROR"),
    ],
)
def test_answers_that_prove_nothing_are_looked_up(lost: Reply) -> None:
    player = Player([lost, FOUND])
    submit(player)
    assert player.asked == [POST, LOOK]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(422, "PRICE_ABOVE_LIMIT_UP", price="11.20"), Denied),
        (refusal(409, "IDEMPOTENCY_CONFLICT"), Conflict),
        (refusal(403, "TRADE_NOT_GRANTED"), NotAllowed),
        (refusal(429, "RATE_LIMITED"), RateLimited),
    ],
)
def test_first_refusal_is_final(reply: Reply, kind: type[DeskError]) -> None:
    player = Player([reply])
    with pytest.raises(kind):
        submit(player)
    assert player.asked == [POST]


@pytest.mark.parametrize(
    "passing", [refusal(429, "RATE_LIMITED"), refusal(403, "TRADE_NOT_GRANTED"), refusal(503, "X")]
)
def test_refusal_for_the_moment_says_nothing_about_a_lost_submission(passing: Reply) -> None:
    player = Player([CUT, NONE, passing, FOUND])
    assert submit(player).status == "REPORTED"


def test_denial_that_is_kept_under_the_key_settles_a_lost_submission() -> None:
    player = Player([CUT, NONE, refusal(422, "CASH_INSUFFICIENT", order="0a0a")])
    with pytest.raises(Denied):
        submit(player)


def test_denial_that_nothing_was_kept_of_does_not_settle_a_lost_execution() -> None:
    player = Player([CUT, NONE], forever=lambda request: refusal(422, "LEGS_DENIED") if request.body else NONE)
    with pytest.raises(OutcomeUnknown):
        player.run(trading.execute(player.settings, "SPLIT", symbol="600519.SH", side="BUY", quantity=500))
    assert player.asked.count("POST /executions") > 2


def test_refused_lookup_is_no_word_about_the_order() -> None:
    player = Player([CUT, refusal(403, "SCOPE_MISSING"), FOUND])
    assert submit(player).status == "REPORTED"


def test_order_found_denied_is_the_refusal_it_was() -> None:
    denied = order_body(status="DENIED", code="CASH_INSUFFICIENT", details={"needed": "1000.00"})
    player = Player([CUT, answer(200, {"results": [denied], "next": None})])
    with pytest.raises(Denied) as caught:
        submit(player)
    assert (caught.value.code, caught.value.facts) == ("CASH_INSUFFICIENT", {"needed": "1000.00", "order": "0a0a"})


def test_platform_that_ignores_the_key_is_not_believed() -> None:
    other = answer(200, {"results": [order_body(client_order_id="another")], "next": None})
    player = Player([CUT, other, FOUND])
    assert submit(player).status == "REPORTED"
    assert player.asked == [POST, LOOK, LOOK]


def test_replacement_and_execution_are_looked_up_by_their_key_too() -> None:
    player = Player(forever=CUT)
    with pytest.raises(OutcomeUnknown):
        player.run(trading.execute(player.settings, "SPLIT", symbol="600519.SH", side="BUY", quantity=500))
    assert player.asked[1] == "GET /executions"
    assert player.asked.count("POST /executions") == 1


def test_cancel_is_repeated_while_no_answer_comes() -> None:
    player = Player([CUT, CUT, answer(200, order_body())])
    player.run(trading.cancel(player.settings, "0a0a"))
    assert player.asked == ["POST /orders/0a0a/cancel"] * 3


@pytest.mark.parametrize("price", [float("nan"), float("inf"), "1,2", "NaN"])
def test_price_that_is_no_number_is_refused_before_anything_is_sent(price: float | str) -> None:
    player = Player([])
    with pytest.raises(ValueError, match="number"):
        submit(player, price=price)


class Platform:
    """One account's keys, behind a network that loses requests and answers as it likes."""

    def __init__(self, fates: list[str]) -> None:
        self.fates = itertools.chain(fates, itertools.repeat("ok"))
        self.placed: set[object] = set()
        self.said: list[str] = []

    def answer(self, request: Request) -> Reply | Unreachable:
        fate = next(self.fates)
        if fate == "lost":
            self.said.append("nothing")
            return CUT
        if request.body is not None:
            self.placed.add(request.body["client_order_id"])
            said, reply = "placed", PLACED
        elif request.params["client_order_id"] in self.placed:
            said, reply = "found", FOUND
        else:
            said, reply = "none", NONE
        losses: dict[str, Reply | Unreachable] = {
            "cut": CUT,
            "gateway": answer(502),
            "failed": refusal(500, "INTERNAL_ERROR"),
        }
        lost = losses.get(fate)
        self.said.append(said if lost is None else "nothing")
        return reply if lost is None else lost


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.sampled_from(["ok", "lost", "cut", "gateway", "failed"]), max_size=12))
def test_whatever_the_network_loses_a_resend_follows_a_look_that_found_nothing(fates: list[str]) -> None:
    platform = Platform(fates)
    player = Player(forever=platform.answer)
    try:
        order: Order | None = submit(player)
    except OutcomeUnknown:
        order = None
    assert order is None or platform.placed == {"key-1"}
    assert {request.body["client_order_id"] for request in player.requests if request.body is not None} == {"key-1"}
    resent = [at for at, asked in enumerate(player.asked) if asked == POST][1:]
    assert all(player.asked[at - 1] == LOOK and platform.said[at - 1] == "none" for at in resent)
