"""Django under ASGI, each request from end to end on one thread that is kept.

Django's own handler gives every request a thread of its own, and with it a new database connection, and hands the
request back and forth between that thread and the event loop for every middleware. All of this site's middleware and
views are synchronous. So here the whole chain is one call on one thread, and the threads and their connections are used again.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: Threads that wait for a request; what a rush needed beyond that ends after it, with its connections.
IDLE_THREADS = 16


class ThreadLender:
    """Threads that run one request at a time, most recently used first: its caches and connections are warm."""

    def __init__(self, idle: int = IDLE_THREADS) -> None:
        self._idle = idle
        self._free: deque[ThreadPoolExecutor] = deque()

    def take(self) -> ThreadPoolExecutor:
        """A thread that nobody uses."""
        try:
            return self._free.pop()
        except IndexError:
            return ThreadPoolExecutor(max_workers=1, thread_name_prefix="request")

    def give_back(self, thread: ThreadPoolExecutor) -> None:
        """Take a thread back; work that it still has to do is done before the next request's."""
        if len(self._free) < self._idle:
            self._free.append(thread)
        else:
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)


class OneThreadHandler(ASGIHandler):
    """The ASGI handler with its middleware called synchronously, on a lent thread."""

    def __init__(self) -> None:
        # Not the parent's: it prepares the asynchronous chain.
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._threads = ThreadLender()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one HTTP request."""
        thread = self._threads.take()
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
        finally:
            self._threads.give_back(thread)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """The response to a request: the whole chain, one call on the request's thread."""
        response: HttpResponseBase = await sync_to_async(self.get_response)(request)
        return response
