"""The production form under Docker itself: images built by the Dockerfile, everything started by the compose file.

The official base images need a registry. Stand-ins made of Debian packages (`bases/`) take their place, through the arguments
and variables by which an operator pins bases; Dockerfile and compose file are used as they are.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from desk.settings.schema import ROOT
from tests.e2e.platform_stack import free_port

BASES = Path(__file__).with_name("bases")
DEBIAN = "trixie"  # PostgreSQL 17, Valkey 8.1, Python 3.13
MIRROR = "http://deb.debian.org/debian"
SITE = "localhost"
DAEMON_SECONDS = 60
BUILD_SECONDS = 1800
START_SECONDS = 900


def missing() -> str:
    """Why Docker cannot be tried here; blank when it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "it needs root"
    tools = [tool for tool in ("docker", "dockerd", "debootstrap", "git", "openssl") if shutil.which(tool) is None]
    if tools:
        return f"not installed: {', '.join(tools)}"
    compose = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return "Docker has no compose plugin" if compose.returncode != 0 else ""


def run(command: list[str], seconds: float = 120, **options: object) -> str:
    """Run a command that must succeed; what it said."""
    done = subprocess.run(  # type: ignore[call-overload]
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False, **options
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-6000:]}"
    said: str = done.stdout
    return said


@contextmanager
def daemon(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a Docker daemon: the one that runs, else one of our own for the length of the block."""
    environment = {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
    if _answers(environment):
        yield environment
        return
    environment["DOCKER_HOST"] = f"unix://{folder}/docker.sock"
    command = ["dockerd", "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
    command += ["--pidfile", str(folder / "docker.pid"), "--host", environment["DOCKER_HOST"]]
    with (folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + DAEMON_SECONDS
        while not _answers(environment):
            assert process.poll() is None, (folder / "dockerd.log").read_text(encoding="utf-8")[-4000:]
            assert time.monotonic() < deadline, "dockerd does not answer"
            time.sleep(0.5)
        yield environment
    finally:
        process.terminate()
        process.wait(DAEMON_SECONDS)


def _answers(environment: Mapping[str, str]) -> bool:
    return subprocess.run(["docker", "info"], env=environment, capture_output=True, check=False).returncode == 0


def stand_in(name: str) -> str:
    """The tag of a stand-in."""
    return f"qmt-desk-base/{name}:{DEBIAN}"


def make_bases(environment: Mapping[str, str], folder: Path) -> None:
    """Make the stand-ins; the system below them once per daemon."""
    rootfs = stand_in("rootfs")
    if subprocess.run(
        ["docker", "image", "inspect", rootfs], env=environment, capture_output=True, check=False
    ).returncode:
        tree = folder / "rootfs"
        run(["debootstrap", "--variant=minbase", "--include=ca-certificates", DEBIAN, str(tree), MIRROR], BUILD_SECONDS)
        with subprocess.Popen(["tar", "-C", str(tree), "-c", "."], stdout=subprocess.PIPE) as tar:
            run(["docker", "import", "-", rootfs], BUILD_SECONDS, env=environment, stdin=tar.stdout)
        shutil.rmtree(tree)
    context = folder / "bases"
    shutil.copytree(BASES, context)
    trusted = (
        os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    )
    shutil.copyfile(trusted, context / "trusted.pem")
    below = {"ROOTFS": rootfs, "DEBIAN": stand_in("debian")}
    for name in ("debian", "python", "nginx", "postgres", "valkey"):
        command = ["docker", "build", "--tag", stand_in(name), "--file", str(context / f"{name}.Dockerfile")]
        argument = "ROOTFS" if name == "debian" else "DEBIAN"
        run([*command, "--build-arg", f"{argument}={below[argument]}", str(context)], BUILD_SECONDS, env=environment)


def copy_project(target: Path) -> None:
    """What a check-out has: no state and no secrets of this machine."""
    listed = run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


@dataclass
class Site:
    """A running site."""

    tree: Path
    environment: Mapping[str, str]
    project: str
    https_port: int

    @property
    def certificate(self) -> Path:
        """What vouches for the site: its internal authority."""
        return self.tree / "docker" / "secrets" / "internal_ca.pem"

    def compose(self, *words: str, seconds: float = 120) -> str:
        """Run `docker compose` on the project's file."""
        command = [
            "docker",
            "compose",
            "--project-name",
            self.project,
            "--file",
            str(self.tree / "docker/compose.yaml"),
        ]
        return run([*command, *words], seconds, env=self.environment)

    def manage(self, *words: str) -> str:
        """Run a management command in the container of the core worker."""
        return self.compose("exec", "-T", "core", "python", "manage.py", *words, seconds=300)

    def states(self) -> dict[str, tuple[str, str, int]]:
        """By service: state, health, exit code."""
        said = self.compose("ps", "--all", "--format", "json")
        rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return {row["Service"]: (row["State"], row["Health"], row["ExitCode"]) for row in rows}

    def client(self, token: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        trust = ssl.create_default_context(cafile=str(self.certificate))
        return httpx.Client(base_url=f"https://{SITE}:{self.https_port}", headers=headers, timeout=60, verify=trust)


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """Build the images and bring everything up as docs/deploy.md says; all of it is gone afterwards, but the stand-ins."""
    with daemon(folder) as environment:
        make_bases(environment, folder)
        tree = folder / "qmt-desk"
        copy_project(tree)
        version = project = f"qmt-desk-test-{os.getpid()}"
        site = Site(tree, environment, project, free_port())
        values = {
            "DESK_HOSTS": SITE,
            "DESK_VERSION": version,
            "DESK_HTTP": f"127.0.0.1:{free_port()}",
            "DESK_HTTPS": f"127.0.0.1:{site.https_port}",
            "DESK_CPUS": str(min(2, os.cpu_count() or 1)),
            "POSTGRES_IMAGE": stand_in("postgres"),
            "VALKEY_IMAGE": stand_in("valkey"),
        }
        lines = "".join(f"{name}={value}\n" for name, value in values.items())
        (tree / "docker" / ".env").write_text(lines, encoding="utf-8")
        run(["sh", str(tree / "docker" / "make_secrets.sh"), SITE, "127.0.0.1"])
        bases = [f"PYTHON_IMAGE={stand_in('python')}", f"NGINX_IMAGE={stand_in('nginx')}"]
        try:
            arguments = [word for base in bases for word in ("--build-arg", base)]
            site.compose("build", *arguments, seconds=BUILD_SECONDS)
            site.compose("up", "--detach", "--wait", seconds=START_SECONDS)
            yield site
        finally:
            site.compose("down", "--volumes", "--timeout", "10", seconds=300)
            for image in ("qmt-desk", "qmt-desk-proxy"):
                subprocess.run(["docker", "image", "rm", f"{image}:{version}"], env=environment, check=False)
