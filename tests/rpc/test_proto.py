"""What is generated from the `.proto` files, and that every method of them is served."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from accounts.choices import Scope
from rpc.generate import SOURCE, generate
from rpc.methods import Methods, camel
from rpc.server import SERVICES
from rpc.threads import Threads
from rpc.v1 import data_pb2


def test_generated_files_are_those_of_the_proto_files(tmp_path: Path) -> None:
    generate(tmp_path)
    made = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.py*")}
    folder = SOURCE / "rpc" / "v1"
    kept = {path.relative_to(SOURCE).as_posix(): path.read_text() for path in folder.glob("*_pb2*")}
    assert sorted(kept) == sorted(made), "run make proto"
    assert [name for name in made if kept[name] != made[name]] == [], "run make proto"


def test_every_method_of_the_proto_files_has_a_function() -> None:
    for service in SERVICES:
        assert set(service.methods) == set(service.service.methods_by_name)


def test_every_method_says_which_scope_it_needs() -> None:
    """Two kinds of methods take any token: each channel of a subscription, and each function of the SDK, asks for its own scope."""
    free = [method.name for service in SERVICES for method in service.methods.values() if method.scope is None]
    assert sorted(free) == [
        "desk.v1.FunctionService/CallFunction",
        "desk.v1.FunctionService/ListFunctions",
        "desk.v1.LiveService/Subscribe",
    ]


def test_only_what_stops_something_has_no_rate() -> None:
    unrated = [name for service in SERVICES for name, method in service.methods.items() if not method.rated]
    assert sorted(unrated) == ["CancelExecution", "CancelOrder", "CancelOrders"]


def test_every_element_of_the_proto_files_is_described() -> None:
    """A method, and a message that is an answer, has words above it."""
    for path in (SOURCE / "rpc" / "v1").glob("*.proto"):
        lines = path.read_text(encoding="utf-8").splitlines()
        bare = [line for before, line in pairwise(lines) if _is_method(line) and "//" not in before]
        assert bare == [], path.name


def _is_method(line: str) -> bool:
    return line.strip().startswith("rpc ")


def test_function_without_a_method_stops_the_start() -> None:
    methods = Methods(data_pb2.DESCRIPTOR.services_by_name["DataService"])
    with pytest.raises(LookupError, match="has no method GetNothing"):

        @methods.method(scope=Scope.MARKET_READ)
        def get_nothing(call: object, request: object) -> data_pb2.GetQuotesResponse:
            raise AssertionError


def test_method_without_a_function_stops_the_start() -> None:
    methods = Methods(data_pb2.DESCRIPTOR.services_by_name["DataService"])
    threads = Threads("none", 1)
    with pytest.raises(LookupError, match="does not serve GetBars"):
        methods.handler(threads)
    threads.stop()


def test_names_of_functions_become_those_of_methods() -> None:
    assert [camel(name) for name in ("get_bars", "list_sector_members")] == ["GetBars", "ListSectorMembers"]
