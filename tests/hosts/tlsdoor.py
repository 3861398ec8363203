"""A door that ends TLS before a server which speaks none, as stunnel would: it asks for a client's certificate.

The Valkey and the PostgreSQL that the tests bring are built without TLS. What is proven here is the platform's side:
which certificates its clients trust, which they show, and that they talk to nobody else.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

POSTGRES_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority of a test's own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, hosts: tuple[str, ...] = ()) -> Identity:
        """A certificate for `name`; of a server with the addresses it may be reached under."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key.public_key())
        if hosts:
            names = [x509.IPAddress(ipaddress.ip_address(host)) for host in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        identity = Identity(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        identity.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        identity.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        identity.key.chmod(0o600)  # libpq refuses a key that others may read
        return identity

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )


class TlsDoor:
    """Listens on 127.0.0.1, ends TLS, and passes every byte on to a server's unix socket."""

    def __init__(self, target: Path, server: Identity, client_authority: Path, *, postgres: bool = False) -> None:
        self._target = target
        self._postgres = postgres
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(server.certificate, server.key)
        self._context.load_verify_locations(client_authority)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self.clients: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:
            if self._postgres:
                if plain.recv(8, socket.MSG_WAITALL) != POSTGRES_SSL_REQUEST:
                    return  # a client that would go on without TLS
                plain.sendall(b"S")
            with self._context.wrap_socket(plain, server_side=True) as inside:
                subject = dict(part[0] for part in (inside.getpeercert() or {}).get("subject", ()))  # type: ignore[misc]
                self.clients.append(str(subject.get("commonName", "")))
                with socket.socket(socket.AF_UNIX) as server:
                    server.connect(str(self._target))
                    self._pass_on(inside, server)

    def _pass_on(self, inside: ssl.SSLSocket, server: socket.socket) -> None:
        back = threading.Thread(target=_copy, args=(server, inside), daemon=True)
        back.start()
        _copy(inside, server)
        back.join(5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def tls_door(target: Path, server: Identity, authority: Path, *, postgres: bool = False) -> Iterator[TlsDoor]:
    """A door for the length of a block."""
    door = TlsDoor(target, server, authority, postgres=postgres)
    try:
        yield door
    finally:
        door.close()
