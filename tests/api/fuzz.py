"""Odd requests made from the OpenAPI document, and what is wrong with an answer: undocumented, a failure of ours, somebody else's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import User
from tests.accounts.test_permission_matrix import World
from tests.people import make_token

CHECKS: list[Any] = [status_code_conformance, content_type_conformance, response_schema_conformance]
QUIET = list(HealthCheck)
log = logging.getLogger(__name__)


@contextmanager
def lasting_connections() -> Iterator[None]:
    """Requests end without closing the test's connection, as with Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


class Fuzz:
    """Asks every operation of the document as one person; half of the requests name objects that exist.

    Attributes
    ----------
    found
        What was wrong, by operation and kind; one example of each.
    asked
        How many requests were made.
    """

    def __init__(self, world: World, person: User, *, foreign: frozenset[str] = frozenset()) -> None:
        self._world = world
        self._foreign = foreign
        self._headers = {"Authorization": f"Bearer {make_token(person)[1]}", "Accept-Encoding": "identity"}
        self._schema: Any = schemathesis.openapi.from_wsgi("/api/schema/", WSGIHandler())
        self.found: dict[tuple[str, str], str] = {}
        self.asked = 0

    def run(self, *, examples: int, beginning: str = "") -> None:
        """Make so many requests to each operation (whose ``METHOD /path`` begins so)."""
        operations = [result.ok() for result in self._schema.get_all_operations()]
        wanted = [operation for operation in operations if operation.label.startswith(beginning)]
        for operation in wanted:
            self._operation(operation, examples)
        log.info("%d requests to %d operations, %d faults", self.asked, len(wanted), len(self.found))

    def _operation(self, operation: Any, examples: int) -> None:
        # The same requests each time: what fails once can be looked at.
        @seed(len(operation.label))
        @settings(
            max_examples=examples, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=QUIET
        )
        @given(case=operation.as_strategy(), exists=st.booleans())
        def ask(case: Any, exists: bool) -> None:
            if exists:
                self._name_what_exists(case)
            self._ask(operation, case)

        ask()

    def _name_what_exists(self, case: Any) -> None:
        for name in case.path_parameters or {}:
            case.path_parameters[name] = self._world.names.get(name, case.path_parameters[name])
        account = self._world.bench.account.pk
        if "account" in (case.query or {}):
            case.query["account"] = account
        if isinstance(case.body, dict) and "account" in case.body:
            case.body["account"] = account

    def _ask(self, operation: Any, case: Any) -> None:
        self.asked += 1
        with transaction.atomic(), transaction.atomic(using="quotes"):
            try:
                response = case.call(headers=self._headers)
            except Exception as failure:  # noqa: BLE001 - what a stream raises reaches the server's loop
                response = None
                self._note(operation, type(failure).__name__, f"{failure}\n{case.as_curl_command()}")
            transaction.set_rollback(True)
            transaction.set_rollback(True, using="quotes")
        if response is None:
            return
        if response.status_code == 500:
            self._note(operation, "500", case.as_curl_command())
        if response.status_code < 300 and (
            told := [text for text in self._foreign if text.encode() in response.content]
        ):
            self._note(operation, f"told {told}", case.as_curl_command())
        try:
            case.validate_response(response, checks=CHECKS)
        except (FailureGroup, AssertionError) as failure:
            for part in getattr(failure, "exceptions", (failure,)):
                self._note(operation, type(part).__name__, f"{str(part)[:1500]}\n{case.as_curl_command()}")

    def _note(self, operation: Any, kind: str, words: str) -> None:
        self.found.setdefault((operation.label, kind), words)

    def report(self) -> str:
        """What was found, to be read."""
        return "\n\n".join(f"== {label}: {kind}\n{words}" for (label, kind), words in self.found.items())
