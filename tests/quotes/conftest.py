"""Fixtures of the quote store's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections

from marketdata import engine
from marketdata.models import Instrument
from marketdata.quotes.models import LatestQuote, QuoteSegment, RawQuote, RawTick
from tests.quotes.builders import create_instrument
from tests.quotes.stream import SYMBOL


@pytest.fixture
def store_db(transactional_db: None) -> Iterator[None]:
    """An empty quote store with real commits: what threads and compare-and-swap need."""
    yield
    for model in (RawQuote, RawTick, QuoteSegment, LatestQuote):
        model.objects.all().delete()
    for connection in connections.all(initialized_only=True):
        connection.close()


@pytest.fixture
def instrument(store_db: None) -> Instrument:
    return create_instrument(SYMBOL)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("READ_SECONDS", "PUBLISH_SECONDS", "STORE_SECONDS", "RECONNECT_SECONDS"):
        monkeypatch.setattr(engine, name, 0.02)
