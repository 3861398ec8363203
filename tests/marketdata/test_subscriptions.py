"""Who follows which quotes, and what the data worker makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from desk.settings.marketdata_schema import MarketDataConfig
from marketdata.live import feed as feed_module
from marketdata.live.feed import MARKETS, Feed
from marketdata.models import Instrument, QuoteSubscription
from marketdata.services.subscriptions import subscribed_symbols, subscriptions_add, subscriptions_remove
from ops.errors import Conflict, Invalid
from ops.models import AuditEvent
from qmt.errors import QueryFailed
from qmt.gateway import QuoteCallback
from tests.marketdata.conftest import MAOTAI, PINGAN
from tests.marketdata.fakes import FakeTerminal
from tests.people import TEST_ACTOR, make_token, signed_in

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

SYSTEM = TEST_ACTOR
SINGLES = {"live": {"feed": "singles"}}


class Terminal(FakeTerminal):
    """Records what is followed."""

    def __init__(self) -> None:
        super().__init__()
        self.followed: dict[int, tuple[str, ...]] = {}
        self.unknown: set[str] = set()
        self._numbers: Iterator[int] = count(1)

    def subscribe_quotes(self, targets: Any, callback: QuoteCallback) -> int:
        number = next(self._numbers)
        self.followed[number] = tuple(targets)
        return number

    def subscribe_ticks(self, symbol: str, callback: QuoteCallback) -> int:
        if symbol in self.unknown:
            raise QueryFailed("unknown")
        return self.subscribe_quotes([symbol], callback)

    def unsubscribe(self, handle: int) -> None:
        self.followed.pop(handle, None)


class Writer:
    """Takes what `Feed` says about capturing."""

    captured: frozenset[str] | None = None

    def capture(self, symbols: frozenset[str] | None) -> None:
        self.captured = symbols


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", password="x")


def feed(writer: Writer, **sections: dict[str, Any]) -> Feed:
    return Feed(writer, MarketDataConfig().changed(**sections))  # type: ignore[arg-type]


def follow(*symbols: str, owner: User | None = None) -> None:
    subscriptions_add(actor=SYSTEM, owner=owner, symbols=symbols)


# --- services


def test_subscriptions_of_several_people_are_one_symbol(maotai: Instrument, pingan: Instrument, alice: User) -> None:
    follow(MAOTAI, PINGAN)
    follow(MAOTAI, owner=alice)
    assert subscribed_symbols() == [MAOTAI, PINGAN]
    assert subscriptions_remove(actor=SYSTEM, owner=None, symbols=[MAOTAI, PINGAN]) == 2
    assert subscribed_symbols() == [MAOTAI]


def test_subscription_twice_is_one_row_and_one_audit_event(maotai: Instrument, alice: User) -> None:
    follow(MAOTAI, owner=alice)
    follow(MAOTAI, owner=alice)
    assert QuoteSubscription.objects.count() == 1
    assert AuditEvent.objects.filter(action="quotes.follow").count() == 1


def test_subscription_to_an_unknown_symbol_changes_nothing(maotai: Instrument) -> None:
    with pytest.raises(Invalid):
        follow(MAOTAI, "600000.SH")
    assert not QuoteSubscription.objects.exists()


def test_subscriptions_beyond_what_single_subscriptions_can_follow_are_refused(
    maotai: Instrument, pingan: Instrument, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MARKETDATA = settings.MARKETDATA.changed(**SINGLES)
    monkeypatch.setattr("marketdata.services.subscriptions.MAX_SINGLE_SUBSCRIPTIONS", 1)
    follow(MAOTAI)
    with pytest.raises(Conflict) as refused:
        follow(PINGAN)
    assert refused.value.code == "SUBSCRIPTION_LIMIT"
    assert subscribed_symbols() == [MAOTAI]


# --- the data worker's side


def test_feed_of_the_whole_market_captures_the_followed_ones(maotai: Instrument) -> None:
    follow(MAOTAI)
    terminal, writer = Terminal(), Writer()
    feed(writer).refresh(terminal, now=True)
    assert list(terminal.followed.values()) == [MARKETS]
    assert writer.captured == frozenset({MAOTAI})


def test_feed_without_a_database_still_follows_the_market(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> list[str]:
        raise OperationalError("database is locked")

    monkeypatch.setattr(feed_module, "subscribed_symbols", away)
    terminal = Terminal()
    with pytest.raises(OperationalError):
        feed(Writer()).refresh(terminal, now=True)
    assert list(terminal.followed.values()) == [MARKETS]


def test_feed_of_singles_follows_what_comes_and_leaves_what_goes(maotai: Instrument, pingan: Instrument) -> None:
    follow(MAOTAI)
    terminal, singles = Terminal(), feed(Writer(), **SINGLES)
    singles.refresh(terminal, now=True)
    assert list(terminal.followed.values()) == [(MAOTAI,)]
    follow(PINGAN)
    subscriptions_remove(actor=SYSTEM, owner=None, symbols=[MAOTAI])
    singles.refresh(terminal)
    assert list(terminal.followed.values()) == [(MAOTAI,)]
    singles.refresh(terminal, now=True)
    assert list(terminal.followed.values()) == [(PINGAN,)]


def test_feed_of_singles_goes_on_past_a_symbol_that_the_terminal_refuses(
    maotai: Instrument, pingan: Instrument
) -> None:
    follow(MAOTAI, PINGAN)
    terminal, singles = Terminal(), feed(Writer(), **SINGLES)
    terminal.unknown = {MAOTAI}
    singles.refresh(terminal, now=True)
    assert list(terminal.followed.values()) == [(PINGAN,)]
    assert singles.detail()["refused"] == {MAOTAI: "unknown"}


def test_feed_of_singles_keeps_to_the_limit_and_says_who_waits(
    maotai: Instrument, pingan: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(MAOTAI)
    follow(PINGAN)
    monkeypatch.setattr(feed_module, "MAX_SINGLE_SUBSCRIPTIONS", 1)
    terminal, singles = Terminal(), feed(Writer(), **SINGLES)
    singles.refresh(terminal, now=True)
    assert list(terminal.followed.values()) == [(MAOTAI,)]
    assert singles.detail()["waiting_for_room"] == [PINGAN]


def test_feed_renewed_subscribes_anew(maotai: Instrument) -> None:
    terminal, market = Terminal(), feed(Writer())
    market.refresh(terminal, now=True)
    market.renew(terminal)
    assert terminal.followed == {2: MARKETS}


# --- the API


def test_api_shows_everybodys_and_changes_ones_own(maotai: Instrument, pingan: Instrument, alice: User) -> None:
    follow(PINGAN)
    client: Client = signed_in(alice)
    url = "/api/v1/quotes/subscriptions"
    added = client.post(url, {"symbols": ["600519"], "reason": "watch"}, content_type="application/json")
    assert added.status_code == 201
    shown = [(row["symbol"], row["owner"], row["reason"]) for row in client.get(url).json()["results"]]
    assert shown == [(PINGAN, None, ""), (MAOTAI, "alice", "watch")]
    assert client.delete(f"{url}?symbols=600519,{PINGAN}").status_code == 204
    assert [row["symbol"] for row in client.get(url).json()["results"]] == [PINGAN]


def test_api_follows_by_token_of_somebody_who_may_read_quotes(maotai: Instrument, alice: User) -> None:
    _row, token = make_token(alice, "market:read")
    answer = Client().post(
        "/api/v1/quotes/subscriptions",
        {"symbols": [MAOTAI]},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 201
    assert subscribed_symbols() == [MAOTAI]
