"""One POST to a checked address: bounded in time and size, no redirects, no proxies, no cookies."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from alerts.transports.base import SendFailed
from alerts.transports.guard import Target, resolve
from ops.version import NAME, VERSION

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
ANSWER_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status and beginning of the body."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class _PlainConnection(http.client.HTTPConnection):
    """Connects to the address that was checked, whatever the name resolves to by now."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=CONNECT_SECONDS)
        self._ip = target.ip

    def connect(self) -> None:
        self.sock = socket.create_connection((self._ip, self.port), self.timeout)


class _TlsConnection(http.client.HTTPSConnection):
    """The same over TLS; the certificate has to be the named host's."""

    def __init__(self, target: Target) -> None:
        self._context = ssl.create_default_context()
        super().__init__(target.host, target.port, timeout=CONNECT_SECONDS, context=self._context)
        self._ip = target.ip

    def connect(self) -> None:
        raw = socket.create_connection((self._ip, self.port), self.timeout)
        self.sock = self._context.wrap_socket(raw, server_hostname=self.host)


def post_json(url: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> HttpAnswer:
    """POST `body` as JSON; see `post`."""
    return post(url, json.dumps(body, ensure_ascii=False).encode(), headers)


def post(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> HttpAnswer:
    """POST and read the answer.

    Raises
    ------
    SendFailed
        The address is refused, nobody answered in time, or the status is not 2xx. A redirect is
        not followed: it would lead past the check of the address.
    """
    target = resolve(url)
    connection = _TlsConnection(target) if target.scheme == "https" else _PlainConnection(target)
    limit = _TimeLimit(TOTAL_SECONDS)
    try:
        connection.connect()
        with limit.over(connection.sock):
            connection.request("POST", target.path, body=body, headers={**_HEADERS, **(headers or {})})
            response = connection.getresponse()
            answer = HttpAnswer(response.status, response.read(ANSWER_LIMIT))
    except ssl.SSLCertVerificationError as error:
        raise SendFailed("the host's certificate is not valid", retry=False) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if limit.reached or isinstance(error, TimeoutError):
            raise SendFailed("no answer in time") from error
        raise SendFailed(f"no connection ({type(error).__name__})") from error
    finally:
        connection.close()
    if limit.reached:
        raise SendFailed("no answer in time")
    if not 200 <= answer.status < 300:
        raise SendFailed(_status_words(answer.status), code=answer.status, retry=_may_help(answer.status))
    return answer


_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": f"{NAME.replace(' ', '-')}/{VERSION}",
    "Connection": "close",
}


class _TimeLimit:
    """Ends a whole exchange, however slowly the receiver drips: a socket's own timeout is per read."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.reached = False

    @contextmanager
    def over(self, sock: socket.socket) -> Iterator[None]:
        """Shut `sock` down when the time is up."""

        def end() -> None:
            self.reached = True
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(self._seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _status_words(status: int) -> str:
    if 300 <= status < 400:
        return f"the receiver answers with a redirect (HTTP {status}), which is not followed"
    return f"the receiver answers HTTP {status}"


def _may_help(status: int) -> bool:
    return status in (408, 425, 429) or status >= 500
