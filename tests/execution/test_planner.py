"""What an execution does next: the invariants, for any market and any order of events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ops.errors import Code
from qmt.calendar import SHANGHAI
from trading.execution.choices import FINAL, Kind, State
from trading.execution.facts import ChildFacts, Facts, LegFacts, Lots, Replaced
from trading.execution.planner import PAUSE_AFTER_NOTHING, SETTLING, Decision, child_size, decide

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
MAIN, STAR = Lots(100, 100), Lots(200, 1)


def market(time: str) -> datetime:
    return datetime.fromisoformat(f"{DAY}T{time}").replace(tzinfo=SHANGHAI)


def facts(kind: Kind, *legs: LegFacts, **changes: object) -> Facts:
    values: dict[str, object] = {
        "kind": kind,
        "state": State.RUNNING,
        "ending": "",
        "legs": legs,
        "now": NOW,
        "market_time": market("10:00"),
        "trade_date": DAY,
        "takes_orders": True,
    }
    return Facts(**(values | changes))  # type: ignore[arg-type]


def leg(quantity: int = 500, *children: ChildFacts, lots: Lots = MAIN, number: int = 1, **changes: object) -> LegFacts:
    values: dict[str, object] = {"is_buy": True, "quantity": quantity, "lots": lots, "number": number}
    return LegFacts(children=children, **(values | changes))  # type: ignore[arg-type]


def ended(number: int, quantity: int, taken: int, **changes: object) -> ChildFacts:
    values: dict[str, object] = {"placed": True, "open": False, "taken": taken, "ended_at": NOW - timedelta(minutes=1)}
    return ChildFacts(number, quantity, **(values | changes))  # type: ignore[arg-type]


OPEN = ChildFacts(1, 200, placed=True)


def split(*children: ChildFacts, **changes: object) -> Decision:
    return decide(facts(Kind.SPLIT, leg(500, *children), child_quantity=200, **changes))


def test_split_places_the_first_child() -> None:
    assert split().place == ((1, 1, 200),)


def test_split_waits_for_its_open_child() -> None:
    assert split(OPEN) == Decision()


def test_split_goes_on_with_what_is_left() -> None:
    assert split(ended(1, 200, 200), ended(2, 200, 150)).place == ((1, 3, 100),)  # 150 left, whole lots


def test_split_ends_its_leg_when_everything_traded() -> None:
    assert split(ended(1, 200, 200), ended(2, 200, 200), ended(3, 100, 100)).end == ((1, ""),)


def test_split_waits_after_a_child_that_traded_nothing() -> None:
    recent = ended(1, 200, 0, code=Code.RECONCILING, ended_at=NOW - PAUSE_AFTER_NOTHING / 2)
    assert split(recent) == Decision()
    assert split(replace(recent, ended_at=NOW - PAUSE_AFTER_NOTHING)).place == ((1, 2, 200),)


def test_split_waits_for_late_fills_of_a_child_that_ended_with_a_rest() -> None:
    recent = ended(1, 200, 100, ended_at=NOW - SETTLING / 2)
    assert split(recent) == Decision()
    assert split(replace(recent, ended_at=NOW - SETTLING)).place == ((1, 2, 200),)


def test_split_pauses_when_a_person_cancels_its_child_and_goes_on_when_resumed() -> None:
    cancelled = ended(1, 200, 0, by_person=True)
    assert (split(cancelled).state, split(cancelled).code) == (State.PAUSED, Code.CHILD_CANCELLED)
    assert split(cancelled, resumed_at=NOW).place == ((1, 2, 200),)


def test_split_pauses_on_a_denial_that_does_not_pass() -> None:
    assert split(ended(1, 200, 0, code=Code.CASH_INSUFFICIENT)).code == Code.CASH_INSUFFICIENT
    assert split(ended(1, 200, 0, code=Code.RECONCILING)).place == ((1, 2, 200),)


def test_child_whose_fate_is_unproven_is_not_placed_again_nor_called_traded() -> None:
    lost = ended(1, 200, 200, code="NOT_FOUND", unproven=True)
    basket = facts(Kind.BASKET, leg(200, lost))
    assert decide(basket).end == ((1, "NOT_FOUND"),)
    assert decide(replace(basket, legs=(leg(200, lost, ended=True),))).state == State.INCOMPLETE
    stopping = replace(basket, state=State.STOPPING, ending=State.CANCELLED)
    assert decide(stopping).state == State.CANCELLED


def test_split_pauses_after_children_in_vain() -> None:
    assert split(*(ended(number, 200, 0) for number in range(1, 6))).code == Code.NO_PROGRESS


def test_nothing_is_placed_while_the_market_takes_no_orders() -> None:
    assert split(takes_orders=False) == Decision()


def test_halted_account_stops_the_execution() -> None:
    decision = split(OPEN, barred=Code.ACCOUNT_HALTED)
    assert (decision.state, decision.ending, decision.code) == (State.STOPPING, State.STOPPED, Code.ACCOUNT_HALTED)
    assert split(ended(1, 200, 0, code=Code.ACCOUNT_HALTED)).ending == State.STOPPED


def test_changed_authority_pauses_until_somebody_looked() -> None:
    assert (split(authority_changed=True).state, split(authority_changed=True).code) == (
        State.PAUSED,
        Code.AUTHORITY_CHANGED,
    )


def test_end_of_the_day_ends_the_execution() -> None:
    assert (split(OPEN, day_over=True).state, split(OPEN, day_over=True).ending) == (State.STOPPING, State.INCOMPLETE)


def test_stopping_cancels_what_is_out_gives_up_what_is_not_and_waits() -> None:
    stopping = facts(
        Kind.BASKET,
        leg(100, replace(OPEN, quantity=100)),
        leg(100, ChildFacts(1, 100), number=2),
        state=State.STOPPING,
        ending=State.CANCELLED,
    )
    decision = decide(stopping)
    assert (decision.cancel, decision.void, decision.state) == (((1, 1),), ((2, 1),), None)
    over = replace(stopping, legs=(leg(100, ended(1, 100, 0)), leg(100, number=2)))
    assert decide(over).state == State.CANCELLED
    filled = replace(stopping, legs=(leg(100, ended(1, 100, 100)),))
    assert decide(filled).state == State.COMPLETED


def test_basket_sells_at_once_and_buys_when_the_money_is_there() -> None:
    legs = (
        leg(300, number=1, affordable=False),
        leg(200, number=2, is_buy=False),
        leg(100, number=3, affordable=True),
    )
    assert decide(facts(Kind.BASKET, *legs)).place == ((2, 1, 200), (3, 1, 100))


def test_basket_buys_in_any_case_once_no_sale_can_bring_more() -> None:
    buy = leg(300, number=1, affordable=False)
    sale = leg(200, ended(1, 200, 100), number=2, is_buy=False)
    waiting = decide(facts(Kind.BASKET, buy, sale, proceeds_confirmed=False))
    assert waiting.place == ()
    assert decide(facts(Kind.BASKET, buy, sale)).place == ((1, 1, 300),)


def test_basket_leg_denied_for_a_passing_reason_tries_again_and_ends_after_a_few() -> None:
    denied = ended(1, 300, 0, code=Code.ORDER_RATE_LIMIT)
    assert decide(facts(Kind.BASKET, leg(300, denied))).place == ((1, 2, 300),)
    recent = replace(denied, ended_at=NOW)
    assert decide(facts(Kind.BASKET, leg(300, recent))) == Decision()
    often = tuple(replace(denied, number=number) for number in range(1, 6))
    assert decide(facts(Kind.BASKET, leg(300, *often))).end == ((1, Code.ORDER_RATE_LIMIT),)


def test_basket_buys_wait_while_a_sale_tries_again() -> None:
    buy = leg(300, number=1, affordable=False)
    sale = leg(200, ended(1, 200, 0, code=Code.ORDER_RATE_LIMIT), number=2, is_buy=False)
    assert decide(facts(Kind.BASKET, buy, sale)).place == ((2, 2, 200),)


def test_twap_places_its_share_and_carries_what_was_left() -> None:
    window = {"slices": 3, "starts_at": market("10:00"), "ends_at": market("10:30")}
    first = decide(facts(Kind.TWAP, leg(1000), **window))
    assert first.place == ((1, 1, 300),)
    second = decide(facts(Kind.TWAP, leg(1000, ended(1, 300, 100)), market_time=market("10:10"), **window))
    assert second.place == ((1, 2, 500),)  # 666 due, 100 done
    last = decide(
        facts(Kind.TWAP, leg(1000, ended(1, 300, 100), ended(2, 500, 500)), market_time=market("10:20"), **window)
    )
    assert last.place == ((1, 3, 400),)


def test_twap_cancels_a_slices_child_when_the_next_is_due_and_waits_for_its_end() -> None:
    window = {"slices": 3, "starts_at": market("10:00"), "ends_at": market("10:30")}
    open_child = replace(OPEN, quantity=300)
    decision = decide(facts(Kind.TWAP, leg(1000, open_child), market_time=market("10:10"), **window))
    assert (decision.cancel, decision.place) == (((1, 1),), ())
    wanted = replace(open_child, cancel_wanted=True)
    assert decide(facts(Kind.TWAP, leg(1000, wanted), market_time=market("10:10"), **window)) == Decision()


def test_twap_ends_with_its_window() -> None:
    window = {"slices": 2, "starts_at": market("10:00"), "ends_at": market("10:30")}
    over = decide(facts(Kind.TWAP, leg(1000, ended(1, 500, 500)), market_time=market("10:30"), **window))
    assert over.end == ((1, Code.DEADLINE_PASSED),)


def replacing(old: Replaced, *children: ChildFacts, **changes: object) -> Decision:
    return decide(facts(Kind.REPLACE, leg(1000, *children), replaced=old, **changes))


def test_replacement_wants_the_cancel_and_waits_for_the_final_state() -> None:
    assert replacing(Replaced(open=True, taken=300, cancel_wanted=False, lost=False)) == Decision(cancel_replaced=True)
    assert replacing(Replaced(open=True, taken=300, cancel_wanted=True, lost=False)) == Decision()


def test_replacement_orders_what_is_left_and_no_more() -> None:
    assert replacing(Replaced(open=False, taken=300, cancel_wanted=True, lost=False)).place == ((1, 1, 700),)


def test_replacement_of_an_order_that_was_filled_sends_nothing_and_says_so() -> None:
    done = Replaced(open=False, taken=1000, cancel_wanted=True, lost=False)
    assert replacing(done).end == ((1, Code.ORDER_FILLED),)
    over = decide(facts(Kind.REPLACE, leg(1000, ended=True), replaced=done))
    assert over.state == State.COMPLETED


def test_replacement_of_an_order_whose_fate_is_unproven_sends_nothing() -> None:
    lost = Replaced(open=False, taken=0, cancel_wanted=True, lost=True)
    assert replacing(lost).end == ((1, Code.ORDER_NOT_FOUND),)
    unproven = Replaced(open=False, taken=1000, cancel_wanted=True, lost=True)
    assert decide(facts(Kind.REPLACE, leg(1000, ended=True), replaced=unproven)).state == State.INCOMPLETE


@given(
    remaining=st.integers(1, 5000),
    most=st.integers(1, 5000),
    wanted=st.integers(0, 6000),
    is_buy=st.booleans(),
    lots=st.sampled_from([MAIN, STAR, Lots(100, 1), Lots(10, 10)]),
)
def test_child_size_is_never_more_than_what_is_left_wanted_or_allowed(
    remaining: int, most: int, wanted: int, is_buy: bool, lots: Lots
) -> None:
    one = leg(remaining, lots=lots, is_buy=is_buy)
    size = child_size(one, most=most, wanted=wanted)
    assert 0 <= size <= min(remaining, most, wanted)
    if size and size != remaining:
        assert size >= lots.minimum
        assert size % lots.step == 0


ENDINGS = st.sampled_from(["fill", "part", "nothing", "lost", "wait"])


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from([Kind.SPLIT, Kind.TWAP]),
    quantity=st.integers(1, 60).map(lambda lots: lots * 100),
    child=st.integers(1, 20).map(lambda lots: lots * 100),
    slices=st.integers(1, 8),
    is_buy=st.booleans(),
    events=st.lists(st.tuples(ENDINGS, st.integers(0, 100), st.integers(0, 400)), max_size=60),
    stop_at=st.integers(0, 80),
)
def test_children_never_ask_for_more_than_the_parent_whatever_happens(
    kind: Kind,
    quantity: int,
    child: int,
    slices: int,
    is_buy: bool,
    events: list[tuple[str, int, int]],
    stop_at: int,
) -> None:
    """A broker that fills, fills in part, ends or loses children; each decision is applied, then taken once more."""
    now = facts(
        kind,
        leg(quantity, is_buy=is_buy),
        child_quantity=child,
        slices=slices,
        starts_at=market("10:00"),
        ends_at=market("11:00"),
    )
    for turn, (event, part, seconds) in enumerate(events):
        if turn == stop_at and now.state is State.RUNNING:
            now = replace(now, state=State.STOPPING, ending=State.CANCELLED)
        now = applied(now, decide(now))
        asked = sum(one.allocated for one in now.legs[0].children)
        assert asked <= quantity
        assert len(now.legs[0].open_children) <= 1
        now = happened(now, event, part, seconds)
        if now.state in FINAL:
            assert not now.legs[0].open_children
            assert decide(now) == Decision()


def applied(now: Facts, decision: Decision) -> Facts:
    """The facts after a decision was stored and carried out."""
    one = now.legs[0]
    children = tuple(
        replace(child, cancel_wanted=child.cancel_wanted or (1, child.number) in decision.cancel, placed=True)
        for child in one.children
        if (1, child.number) not in decision.void
    )
    children += tuple(ChildFacts(number, size, placed=True) for _leg, number, size in decision.place)
    one = replace(one, children=children, ended=one.ended or bool(decision.end))
    state = decision.state or now.state
    return replace(now, legs=(one,), state=state, ending=str(decision.ending or now.ending))


def happened(now: Facts, event: str, part: int, seconds: int) -> Facts:
    """The facts after the broker and the clock moved."""
    one = now.legs[0]
    later = now.now + timedelta(seconds=seconds)
    children = list(one.children)
    if children and children[-1].open and event != "wait":
        newest = children[-1]
        taken = {"fill": newest.quantity, "part": newest.quantity * part // 100, "lost": newest.quantity}.get(event, 0)
        children[-1] = replace(newest, open=False, taken=taken, ended_at=later)
    return replace(
        now,
        legs=(replace(one, children=tuple(children)),),
        now=later,
        market_time=now.market_time + timedelta(seconds=seconds),
    )
