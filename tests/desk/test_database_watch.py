"""A process that people wait for beside a PostgreSQL that stops answering."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from desk.settings.schema import ROOT
from tests.postgres import postgres_server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PROCESS = """
import sys, threading, time
import django
django.setup()
from django.db import OperationalError, close_old_connections, connection
from ops import database_watch
from ops.database_watch import is_away, refuse_while_away, watch_databases
from ops.trouble import DatabaseAway, refusal_of

def say(text):
    print(text, flush=True)

def ask(statement):
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        say("answered")
    except OperationalError as error:
        say(f"failed {refusal_of(error).code}")
    finally:
        close_old_connections()

# As every command does before it starts: the pool is there already.
ask("SELECT 1")
watch_databases()
ask("SELECT 1")
# It asks already: a stopped server meets a question under way, not a connection that is not made yet.
while any(watch._connection is None for watch in database_watch._watches.values()):
    time.sleep(0.05)
waiting = threading.Thread(target=ask, args=("SELECT pg_sleep(3600)",))
waiting.start()
say("waiting")
waiting.join()
say(f"away {is_away('default')}")
try:
    refuse_while_away()
except DatabaseAway as refusal:
    say(f"refused {refusal.code} {refusal.status}")
sys.stdin.readline()
while is_away("default"):
    time.sleep(0.1)
ask("SELECT 1")
"""


def test_server_that_stops_answering_ends_who_waits_and_is_noticed_again_when_it_is_back() -> None:
    with postgres_server() as server:
        process = subprocess.Popen(
            [sys.executable, "-c", PROCESS],
            cwd=ROOT,
            env={**os.environ, **server.environment(), "PYTHONPATH": str(ROOT / "platform") + os.pathsep + str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert [process.stdout.readline().strip() for _ in range(3)] == ["answered", "answered", "waiting"]
            with server.suspended():
                said = [process.stdout.readline().strip() for _ in range(3)]
            assert said == ["failed UNAVAILABLE", "away True", "refused UNAVAILABLE 503"]
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline().strip() == "answered"
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
