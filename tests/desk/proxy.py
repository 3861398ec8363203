"""The real nginx with the project's configuration, before two real web processes and a gRPC server."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import ssl
import string
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from desk.settings.schema import ROOT
from tests.e2e.platform_stack import Stack, free_port

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
FOLDER = ROOT / "docker" / "nginx"
START_SECONDS = 60
SITE = "localhost"


def make_certificate(folder: Path) -> None:
    """A certificate of `SITE` that vouches for itself: `certificate.pem` and `key.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SITE)])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(SITE), x509.IPAddress(IPv4Address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def render(values: dict[str, str]) -> str:
    """The site's configuration as envsubst makes it: only the named variables, all of them needed."""
    text = (FOLDER / "desk.conf.template").read_text(encoding="utf-8")
    # nginx's own variables carry no braces, ours do.
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    left = [found[2] for found in string.Template.pattern.findall(text) if found[2]]
    assert not left, f"not rendered: {left}"
    return text


@dataclass
class Site:
    """A running site."""

    stack: Stack
    folder: Path
    web_ports: tuple[int, int]
    rpc_port: int
    http_port: int
    https_port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://{SITE}:{self.https_port}"

    @property
    def certificate(self) -> Path:
        return self.folder / "tls" / "certificate.pem"

    def client(self, token: str = "", **headers: str) -> httpx.Client:
        given = {"Authorization": f"Bearer {token}", **headers} if token else headers
        trust = ssl.create_default_context(cafile=str(self.certificate))
        return httpx.Client(base_url=self.url, headers=given, timeout=60, verify=trust)

    def start_web(self, number: int, *more: str) -> None:
        """Start web process 1 or 2 and wait until it answers."""
        port = self.web_ports[number - 1]
        self._start(f"web-{number}", "web", "--port", str(port), *more)
        self._await_port(f"web-{number}", port)

    def start_rpc(self) -> None:
        self._start("rpc", "rpc", "--port", str(self.rpc_port))
        self._await_port("rpc", self.rpc_port)

    def start_proxy(self) -> None:
        """Render the configuration, have nginx judge it, start it."""
        assert NGINX is not None
        conf = self.folder / "nginx"
        (conf / "conf.d").mkdir(parents=True)
        text = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
        (conf / "nginx.conf").write_text(text.replace("/dev/stdout", str(self.folder / "access.log")), encoding="utf-8")
        values = {
            "PROXY_SITE": SITE,
            "PROXY_STATIC": str(self.folder / "www"),
            "PROXY_WEB_1": f"127.0.0.1:{self.web_ports[0]}",
            "PROXY_WEB_2": f"127.0.0.1:{self.web_ports[1]}",
            "PROXY_RPC": f"127.0.0.1:{self.rpc_port}",
            "PROXY_HTTP": f"127.0.0.1:{self.http_port}",
            "PROXY_HTTPS": f"127.0.0.1:{self.https_port}",
            "PROXY_TLS": str(self.folder / "tls"),
        }
        (conf / "conf.d" / "desk.conf").write_text(render(values), encoding="utf-8")
        command = [NGINX, "-p", f"{self.folder}/", "-c", str(conf / "nginx.conf"), "-e", str(self.folder / "error.log")]
        # nginx drops root's rights in its workers: they need not read the test's folder.
        command += ["-g", f"daemon off;{' user root;' if os.geteuid() == 0 else ''}"]
        judged = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stderr
        assert "warn" not in judged.stderr, judged.stderr
        self.processes["proxy"] = subprocess.Popen(command)
        self._await_port("proxy", self.https_port)

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait(START_SECONDS)

    def stop_all(self) -> None:
        for name in list(self.processes):
            self.stop(name, signal.SIGKILL if name != "proxy" else signal.SIGTERM)

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), *command],
                env=self.stack.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _await_port(self, name: str, port: int) -> None:
        import socket

        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                assert self.processes[name].poll() is None, self.log(name)
                assert time.monotonic() < deadline, f"{name} does not listen:\n{self.log(name)}"
                time.sleep(0.05)

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace")[-4000:] if path.exists() else ""


def make_site(stack: Stack, folder: Path, more: Sequence[str] = ()) -> Site:
    """Configure a prepared installation for a life behind the proxy; nothing is started."""
    site = Site(stack, folder, (free_port(), free_port()), free_port(), free_port(), free_port())
    make_certificate(folder / "tls")
    stack.environment |= {
        "DESK_HOSTS": SITE,
        "DESK_BEHIND_TLS_PROXY": "1",
        "DESK_TRUSTED_ORIGINS": site.url,
        "DESK_RPC_TLS_CERTIFICATE": str(folder / "tls" / "certificate.pem"),
        "DESK_RPC_TLS_KEY": str(folder / "tls" / "key.pem"),
    }
    stack.manage("publish_static", str(folder / "www"))
    return site
