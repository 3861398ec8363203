"""The production form, read as its tools read it: Docker cannot run in every place that tests run."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import get_commands, load_command_class

from desk.settings.effective import unknown_variables
from desk.settings.schema import ROOT, DeskConfig
from desk.settings.secret_files import secret_file_names
from desk.supervisor.plan import platform_processes

DOCKER = ROOT / "docker"
#: Ends when its work is done; those that wait for it wait for its success.
ONE_SHOT = {"migrate", "roles"}
OURS = {"proxy", "web-1", "web-2", "rpc", "core", "beat", "engine", "strategies", *ONE_SHOT}
FOREIGN = {"postgres", "valkey"}
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")


@cache
def compose(name: str = "compose.yaml") -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DOCKER / name).read_text(encoding="utf-8"))
    return loaded


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def manage_command(words: list[str]) -> str | None:
    """The management command of a command line; None where it is none."""
    if "manage.py" not in words:
        return None
    return words[words.index("manage.py") + 1]


def accepted(words: list[str]) -> dict[str, Any]:
    """Arguments as the management command itself reads them; it ends the test when it refuses them."""
    name = manage_command(words)
    assert name is not None
    app = get_commands()[name]
    assert isinstance(app, str)
    parser = load_command_class(app, name).create_parser("manage.py", name)
    return vars(parser.parse_args(words[words.index("manage.py") + 2 :]))


# ------------------------------------------------------------------------------- compose
@pytest.mark.parametrize("name", ["compose.yaml", "compose.hosts.yaml"])
def test_compose_file_is_what_the_specification_says(name: str) -> None:
    spec = importlib.util.find_spec("check_jsonschema")
    assert spec is not None
    assert spec.origin is not None
    schema = Path(spec.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(compose(name), json.loads(schema.read_text(encoding="utf-8")))


def test_every_process_of_the_platform_has_a_service() -> None:
    kept = {
        name
        for service in services().values()
        for name in service.get("command", [])[3:]
        if "keep" in service["command"]
    }
    assert kept | {"web"} == {spec.name for spec in platform_processes()}
    assert set(services()) == OURS | FOREIGN


@pytest.mark.parametrize("name", sorted(OURS - {"proxy"}))
def test_service_runs_a_command_that_there_is(name: str) -> None:
    command = services()[name]["command"]
    assert command[:2] == ["python", "manage.py"]
    accepted(command)


@pytest.mark.parametrize("name", sorted(OURS | FOREIGN))
def test_service_has_no_rights_and_bounds(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), "root, or a name that the image decides about"
    assert {"cpus", "memory", "pids"} == set(service["deploy"]["resources"]["limits"])
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))


@pytest.mark.parametrize("name", sorted((OURS | FOREIGN) - ONE_SHOT))
def test_service_proves_its_health(name: str) -> None:
    check = services()[name]["healthcheck"]
    words = check["test"]
    assert words[0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(check)
    if "docker/health.py" in words:
        asked = words[words.index("docker/health.py") + 1 :]
        beats = {beat for spec in platform_processes() for beat in spec.heartbeats}
        assert asked
        assert set(asked) <= beats | {"web"}
        kept = services()[name]["command"][3:] if services()[name]["command"][2] == "keep" else []
        expected = [beat for spec in platform_processes() if spec.name in kept for beat in spec.heartbeats]
        assert asked == (expected or ["web"])


@pytest.mark.parametrize("name", sorted(OURS))
def test_service_starts_after_what_it_needs(name: str) -> None:
    needs = {other: how["condition"] for other, how in services()[name]["depends_on"].items()}
    for other, condition in needs.items():
        assert condition == ("service_completed_successfully" if other in ONE_SHOT else "service_healthy")
    expected = {
        "proxy": {"web-1", "web-2", "rpc"},
        "migrate": {"postgres", "valkey"},
        "roles": {"migrate"},
    }
    assert set(needs) == expected.get(name, {"roles", "postgres", "valkey"})


def test_databases_are_out_of_the_proxy_s_reach_and_open_no_port() -> None:
    networks = {name: set(service["networks"]) for name, service in services().items()}
    assert networks["proxy"] == {"front"}
    for name in FOREIGN:
        assert networks[name] == {"back"}
        assert "ports" not in services()[name]
    assert compose()["networks"]["back"]["internal"] is True
    assert {name for name, service in services().items() if "ports" in service} == {"proxy"}


def test_only_the_proxy_s_fixed_address_is_trusted() -> None:
    address = services()["proxy"]["networks"]["front"]["ipv4_address"]
    fixed = {
        name: service["networks"]["front"]["ipv4_address"]
        for name, service in services().items()
        if "front" in service["networks"]
    }
    assert len(set(fixed.values())) == len(fixed)
    for name in OURS - {"proxy"}:
        assert services()[name]["environment"]["DESK_TRUSTED_PROXIES"] == address
    environment = services()["proxy"]["environment"]
    assert (environment["PROXY_WEB_1"], environment["PROXY_WEB_2"], environment["PROXY_RPC"]) == (
        f"{fixed['web-1']}:8000",
        f"{fixed['web-2']}:8000",
        f"{fixed['rpc']}:9000",
    )


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_variable_is_a_setting_and_no_secret_stands_in_one(name: str) -> None:
    environment = {key: str(value) for key, value in services()[name]["environment"].items()}
    assert unknown_variables(environment) == []
    assert not {key.lower() for key in environment} & set(secret_file_names(DeskConfig.model_fields))


def test_secrets_are_files_that_the_script_makes_and_the_settings_know() -> None:
    script = (DOCKER / "make_secrets.sh").read_text(encoding="utf-8")
    known = set(secret_file_names(DeskConfig.model_fields))
    declared = compose()["secrets"]
    for name, secret in declared.items():
        assert secret == {"file": f"./secrets/{name}"}
        assert name in script or name.replace("database", "${kind}").replace("quotes", "${kind}") in script
    for name, service in services().items():
        for secret in service["secrets"]:
            source, target = (secret["source"], secret["target"]) if isinstance(secret, dict) else (secret, secret)
            assert source in declared
            assert not target.startswith("desk_") or target in known, f"{name}: the platform would refuse to start"


@pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed: docker/make_secrets.sh was NOT tested"
)
def test_script_makes_every_secret_once_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    command = ["sh", str(DOCKER / "make_secrets.sh"), "desk.example.org", "10.0.0.5"]
    environment = {"PATH": os.environ["PATH"], "DESK_SECRETS": str(folder)}

    def run() -> dict[str, bytes]:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    made = run()
    assert set(compose()["secrets"]) <= set(made)
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in made} == {0o600}
    assert run() == made, "a second run replaces nothing"

    for name in ("postgres", "valkey", "certificate"):
        verify = ["openssl", "verify", "-CAfile", str(folder / "internal_ca.pem"), str(folder / f"{name}.pem")]
        assert subprocess.run(verify, capture_output=True, check=False).returncode == 0
    assert b"//desk_app:" in made["desk_database_url"]
    assert b"//desk_owner:" in made["owner_database_url"]
    digest = hashlib.sha256(made["valkey_password"].strip()).hexdigest()
    assert f"user default on #{digest} " in made["users.acl"].decode()
    assert made["valkey_password"].strip() not in made["users.acl"] + made["valkey.conf"]


def test_only_the_migration_knows_the_owner_s_password() -> None:
    knowing = {
        name
        for name, service in services().items()
        for secret in service["secrets"]
        if str(secret["source"] if isinstance(secret, dict) else secret).startswith("owner_database")
    }
    assert knowing == ONE_SHOT


def test_web_has_longer_to_end_than_its_requests() -> None:
    for name in ("web-1", "web-2"):
        drain = accepted(services()[name]["command"])["drain"]
        assert float(services()[name]["stop_grace_period"].removesuffix("s")) > drain >= 60


# ---------------------------------------------------------------------------- Dockerfile
def stages() -> dict[str, str]:
    parts = re.split(r"^FROM +(\S+) +AS +(\S+)$", DOCKERFILE, flags=re.MULTILINE)
    return {parts[index + 1]: parts[index + 2] for index in range(1, len(parts), 3)}


def test_bases_are_pinned_by_version() -> None:
    images = re.findall(r"^ARG \w+_IMAGE=(\S+)$", DOCKERFILE, flags=re.MULTILINE)
    images += [re.sub(r"\$\{\w+:-(.*)\}", r"\1", services()[name]["image"]) for name in FOREIGN]
    assert len(images) == 4
    for image in images:
        assert re.search(r":\d+\.\d+(\.\d+)?(-[a-z-]+)?$", image), image


@pytest.mark.parametrize("stage", ["platform", "proxy"])
def test_final_stage_is_unprivileged_healthy_and_starts_what_there_is(stage: str) -> None:
    text = stages()[stage]
    assert re.findall(r"^USER (\S+)$", text, flags=re.MULTILINE)[-1] == "10001:10001"
    assert "HEALTHCHECK" in text
    command = json.loads(re.findall(r"^CMD (\[.*\])$", text, flags=re.MULTILINE)[-1])
    if stage == "platform":
        accepted(command)
    assert "pip install" not in text


def test_build_runs_commands_that_there_are() -> None:
    words = [shlex.split(line) for line in re.findall(r"python (manage\.py [^\\&\n]+)", stages()["assets"])]
    assert [line[1] for line in words] == ["vendor_assets", "compile_catalogues", "publish_static"]
    for line in words:
        accepted(line)


def test_copied_files_are_there_and_none_of_this_machine_s() -> None:
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, flags=re.MULTILINE):
        *given, _target = line.split()
        assert all((ROOT / path).exists() for path in given)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".git", ".venv", "var", "docker/secrets", ".env", "tests"} <= set(ignored)


# ------------------------------------------------------------------------------- systemd
UNITS = sorted((DOCKER / "systemd").glob("*.service"))


def directives(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_unit_runs_a_command_that_there_is_without_rights(path: Path) -> None:
    unit = directives(path)
    for line in unit["ExecStart"]:
        words = shlex.split(line.replace("%i", "core" if path.name.startswith("qmt-desk@") else "8001"))
        accepted(words)
    expected = {
        "User": "qmt-desk",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "RestrictSUIDSGID": "yes",
        "CapabilityBoundingSet": "",
        "UMask": "0077",
    }
    assert {name: unit[name][-1] for name in expected} == expected
    variables = {line.partition("=")[0]: "x" for line in unit.get("Environment", [])}
    assert unknown_variables(variables) == []


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed: it has NOT judged the units"
)
def test_systemd_reads_every_unit_without_a_word(tmp_path: Path) -> None:
    for path in (DOCKER / "systemd").glob("qmt-desk*"):
        # What a unit runs must be there: this interpreter for the installation's.
        text = path.read_text(encoding="utf-8").replace("/opt/qmt-desk/.venv/bin/python", sys.executable)
        (tmp_path / path.name).write_text(text.replace("/opt/qmt-desk/docs", str(ROOT / "docs")), encoding="utf-8")
    units = sorted(tmp_path.iterdir())
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=one", *map(str, units)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "qmt-desk" in line]
    assert (done.returncode, ours) == (0, [])


# ---------------------------------------------------------------------------- documents
@pytest.mark.parametrize("page", ["docs/deploy.md", "docs/threat-model.md"])
def test_page_names_files_and_commands_that_there_are(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for name in re.findall(r"manage\.py ([a-z_]+)", text):
        assert name in get_commands(), name
    for path in re.findall(r"`((?:docker|tests|platform|config|examples)/[\w./-]+)`", text):
        made = path.startswith(("docker/secrets/", "docker/.env"))
        assert made or (ROOT / path).exists(), path


def test_threat_model_names_tests_that_there_are() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 50
    missing = [
        f"{path}::{function}"
        for path, function in named
        if not (ROOT / path).is_file() or f"def {function}" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_threat_model_proves_every_defence_and_says_what_is_not_defended() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    parts = text.split("\n## ")[2:-1]
    for part in parts:
        rows = [line for line in part.splitlines() if line.startswith("| ") and not line.startswith("| threat")]
        assert rows
        for row in rows:
            assert "`tests/" in row or row.endswith("| by hand |"), row
    undefended = [part.splitlines()[0] for part in parts if "Not defended:" not in part]
    assert undefended == []
