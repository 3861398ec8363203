"""Signed anchors in a file: the heads of all audit chains, out of the database's reach.

Whoever owns the database could rewrite every chain consistently, the platform's with its anchors
included. The file contradicts that: each line is signed with a key that only this machine's state
folder holds (Ed25519, mode 0600), and carries the hash of the line before it. A copy of the file and
of the public key (`manage.py audit_anchor --public-key`) kept elsewhere also guards against somebody
who owns this machine.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ops.audit import DATABASE
from ops.clocks import wall_now
from ops.models import AuditChain, AuditEvent

FILE_NAME = "audit-anchors.jsonl"
KEY_NAME = "audit-anchor-key.pem"
NO_LINE = "0" * 64


class AnchorKeyError(RuntimeError):
    """The signing key is there and cannot be used."""


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """The file and the key of one state folder."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / FILE_NAME

    @property
    def key_path(self) -> Path:
        return self.folder / KEY_NAME

    # ----------------------------------------------------------------------- writing
    def append(self) -> dict[str, Any] | None:
        """Sign the present heads and append them; None when there is no chain yet.

        Returns
        -------
        dict
            What was signed.
        """
        heads = {
            head.key: {"sequence": head.last_sequence, "hash": head.last_hash}
            for head in AuditChain.objects.using(DATABASE).order_by("pk")
        }
        if not heads:
            return None
        content = {
            "at": wall_now().isoformat(timespec="seconds"),
            "heads": heads,
            "previous": self._last_line_hash(),
        }
        key = self._private_key()
        signature = base64.b64encode(key.sign(_canonical(content))).decode("ascii")
        line = json.dumps({**content, "signature": signature}, sort_keys=True, separators=(",", ":"))
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="ascii", newline="\n") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        return content

    def public_key_pem(self) -> str:
        """The key that proves the signatures, for keeping elsewhere."""
        public = self._private_key().public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    # --------------------------------------------------------------------- verifying
    def verify(self, public_key_pem: str | None = None) -> Iterator[str]:
        """Name what is wrong with the file, and every signed head that its chain does not have any more.

        Parameters
        ----------
        public_key_pem
            A key kept elsewhere; by default this folder's own.
        """
        lines = self._lines()
        if not lines:
            return
        public = self._public_key(public_key_pem)
        previous = NO_LINE
        for number, line in enumerate(lines, start=1):
            content, problem = _read_line(line, previous, public)
            if content is None:
                yield f"{FILE_NAME}:{number}: {problem}"
                return
            yield from _contradictions(number, content)
            previous = _line_hash(line)

    def count(self) -> int:
        """How many anchors the file has."""
        return len(self._lines())

    def _lines(self) -> list[str]:
        try:
            return self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def _last_line_hash(self) -> str:
        lines = self._lines()
        return _line_hash(lines[-1]) if lines else NO_LINE

    def _public_key(self, pem: str | None) -> Ed25519PublicKey:
        if pem is None:
            return self._private_key().public_key()
        try:
            key = load_pem_public_key(pem.encode())
        except ValueError as error:
            raise AnchorKeyError("this is not a public key in PEM form") from error
        if not isinstance(key, Ed25519PublicKey):
            raise AnchorKeyError("this is not an Ed25519 public key")
        return key

    def _private_key(self) -> Ed25519PrivateKey:
        """The folder's key, made at the first use and only if there is nothing signed with another one."""
        try:
            content = self.key_path.read_bytes()
        except FileNotFoundError:
            if self._lines():
                raise AnchorKeyError(
                    f"{self.key_path} is missing although {FILE_NAME} has anchors: restore it, or move the file away"
                ) from None
            content = self._make_key()
        try:
            key = load_pem_private_key(content, password=None)
        except ValueError as error:
            raise AnchorKeyError(f"{self.key_path} is not a key in PEM form") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise AnchorKeyError(f"{self.key_path} is not an Ed25519 key")
        return key

    def _make_key(self) -> bytes:
        self.folder.mkdir(parents=True, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # mkstemp gives mode 0600; linking decides between two processes that start together.
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=KEY_NAME)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        try:
            with suppress(FileExistsError):
                os.link(name, self.key_path)
        except OSError:  # a file system without hard links
            Path(name).replace(self.key_path)
        finally:
            Path(name).unlink(missing_ok=True)
        return self.key_path.read_bytes()


def _canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _line_hash(line: str) -> str:
    return hashlib.sha256(line.encode("utf-8", "replace")).hexdigest()


def _read_line(line: str, previous: str, public: Ed25519PublicKey) -> tuple[dict[str, Any] | None, str]:
    """The line's signed content, or None and what is wrong with it."""
    try:
        content = json.loads(line)
        signature = base64.b64decode(content.pop("signature"), validate=True)
        heads = {chain: (int(head["sequence"]), str(head["hash"])) for chain, head in content["heads"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, "the line cannot be read"
    try:
        public.verify(signature, _canonical(content))
    except InvalidSignature:
        return None, "the signature does not fit"
    if content["previous"] != previous:
        return None, "a line before it was changed or removed"
    return {"at": content["at"], "heads": heads}, ""


def _contradictions(number: int, content: dict[str, Any]) -> Iterator[str]:
    for chain, (sequence, anchored) in content["heads"].items():
        if sequence == 0:
            continue
        found = AuditEvent.objects.using(DATABASE).filter(chain=chain, sequence=sequence)
        stored = found.values_list("hash", flat=True).first()
        if stored != anchored:
            yield (
                f"{chain}: signed on {content['at']} ({FILE_NAME}:{number}) at #{sequence} with {anchored}, "
                f"stored is {stored or 'no such event'}"
            )
