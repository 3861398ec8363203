"""Static files under ASGI: WhiteNoise finds and describes them, this sends them.

WhiteNoise's own middleware is synchronous; under ASGI it would move every request of the site
through a thread and buffer each file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.staticfiles import finders
from whitenoise import WhiteNoise
from whitenoise.responders import Response

from desk.asgi_types import Application, Receive, Scope, Send

CHUNK_BYTES = 256 * 1024


class StaticFiles:
    """Answer GET and HEAD below the static prefix; hand everything else on."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.prefix = settings.STATIC_URL
        self._files = self._scan()

    def _scan(self) -> WhiteNoise:
        # The prefix carries the hash of the tree, so that every answer may be cached for ever.
        files = WhiteNoise(None, immutable_file_test=lambda path, url: True, add_headers_function=_add_headers)
        seen: set[str] = set()
        for finder in finders.get_finders():
            for path, storage in finder.list(None):
                if path not in seen:
                    seen.add(path)
                    files.add_file_to_dictionary(self.prefix + _url(path), storage.path(path))
        return files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if not path.startswith(self.prefix):
            await self.application(scope, receive, send)
            return
        static_file = self._files.files.get(path)
        if static_file is None:
            await _send_bare(send, 404)
            return
        if scope["method"] not in ("GET", "HEAD"):
            await _send_bare(send, 405)
            return
        environ = {
            "HTTP_" + name.decode("latin-1").upper().replace("-", "_"): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        response = await sync_to_async(static_file.get_response, thread_sensitive=False)(scope["method"], environ)
        await _send_file(send, response)


def _url(path: str) -> str:
    return Path(path).as_posix().lstrip("/")


def _add_headers(headers: Any, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


async def _send_bare(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _send_file(send: Send, response: Response) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": int(response.status),
            "headers": [
                (name.lower().encode("latin-1"), str(value).encode("latin-1")) for name, value in response.headers
            ],
        }
    )
    file = response.file
    if file is not None:
        try:
            read = sync_to_async(file.read, thread_sensitive=False)
            while chunk := await read(CHUNK_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            file.close()
    await send({"type": "http.response.body", "body": b""})
