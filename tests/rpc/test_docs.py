"""docs/grpc.md does what it says: its Python is run, its grpcurl lines are called as grpcurl calls them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from rpc.generate import SOURCE, protos
from tests.orders.bench import make_bench
from tests.people import make_token
from tests.rpc.conftest import Server
from tests.rpc.test_server import WithToken
from trading.orders.models import Order

PAGE = Path(__file__).resolve().parents[2] / "docs" / "grpc.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def command(line: str) -> tuple[dict[str, Any], str]:
    """A grpcurl line's request and what it calls."""
    words = shlex.split(line)
    data = json.loads(words[words.index("-d") + 1]) if "-d" in words else {}
    assert words[:2] == ["grpcurl", "-plaintext"]
    assert words[-2] == "localhost:9000"
    return data, words[-1]


@pytest.mark.django_db(transaction=True, databases=["default", "quotes"])
def test_grpcurl_lines_of_the_page_work_through_reflection(server: Server) -> None:
    bench = make_bench()
    client = server.person(bench.alice)
    database = ProtoReflectionDescriptorDatabase(grpc.intercept_channel(client.channel, WithToken(client.headers)))
    pool, answers = DescriptorPool(database), {}
    for line in block("sh").splitlines():
        data, name = command(line)
        if name == "list":
            assert "desk.v1.TradingService" in database.get_services()
            continue
        if "account" in data:
            data["account"] = bench.account.pk
        service, method = name.split("/")
        described = pool.FindServiceByName(service).methods_by_name[method]
        call: Any = client.channel.unary_unary(
            f"/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(described.output_type).FromString,
        )
        answers[method] = MessageToDict(client.ask(call, ParseDict(data, GetMessageClass(described.input_type)())))
    assert answers["ListAccounts"]["accounts"][0]["name"] == "Alpha"
    assert answers["SubmitOrder"]["order"]["clientOrderId"] == "first-1"


@pytest.mark.django_db(transaction=True, databases=["default", "quotes"])
def test_python_of_the_page_runs_with_messages_made_as_it_says(server: Server, tmp_path: Path) -> None:
    bench = make_bench()
    made = [sys.executable, "-m", "grpc_tools.protoc", "-I", str(SOURCE), "--python_out=.", "--grpc_python_out=."]
    subprocess.run([*made, *protos()], cwd=tmp_path, check=True)
    environment = {
        **os.environ,
        "TOKEN": make_token(bench.alice)[1],
        "DESK_RPC": f"127.0.0.1:{server.port}",
        "PYTHONPATH": str(tmp_path),
    }
    run = subprocess.run(
        [sys.executable, "-c", block("python")], env=environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [f"placed {Order.objects.get().pk}", "snapshot of version 2"]
