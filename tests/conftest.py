"""Fixtures every area shares."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings

from desk.settings.schema import get_config
from desk.supervisor import plan
from tests import prepared

VALKEY_START_SECONDS = 5


#: Whatever places orders judges them by the newest quote too, which lives in the second database.
_PLACES_ORDERS = frozenset(
    {"accounts", "alerts", "execution", "faults", "grids", "ledger", "orders", "risk", "strategies"}
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker("django_db")
        by_fixture = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
        if not _PLACES_ORDERS & set(item.path.parts) or not (marker or by_fixture):
            continue
        given = {} if marker is None else marker.kwargs
        if "databases" not in given:
            item.add_marker(pytest.mark.django_db(**given, databases=["default", "quotes"]), append=False)


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings_parallel_suffix: None) -> bool:
    """The databases of this process are copies of migrated ones, where the run has prepared them."""
    return prepared.databases_copied(settings.DATABASES)


@pytest.fixture
def state_dir() -> Path:
    """The test run's state folder (removed at its end)."""
    return get_config().state_dir


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    """A running Valkey at the configured address; yields its URL. Without this there is none."""
    config = get_config()
    plan.prepare_folders(config)
    server = subprocess.Popen(plan.valkey(config).command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = redis.Redis.from_url(config.redis_url)
    try:
        deadline = time.monotonic() + VALKEY_START_SECONDS
        while True:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                assert server.poll() is None, "Valkey did not start"
                assert time.monotonic() < deadline, "Valkey does not answer"
                time.sleep(0.02)
        yield config.redis_url
    finally:
        client.close()
        server.kill()
        server.wait()
        plan.remove_stale_socket(config.redis_socket)
