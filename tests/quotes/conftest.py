"""Fixtures of the quote store's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections

from marketdata.quotes.models import LatestQuote, QuoteSegment, RawQuote, RawTick


@pytest.fixture
def store_db(transactional_db: None) -> Iterator[None]:
    """An empty quote store with real commits: what threads and compare-and-swap need."""
    yield
    for model in (RawQuote, RawTick, QuoteSegment, LatestQuote):
        model.objects.all().delete()
    for connection in connections.all(initialized_only=True):
        connection.close()
