"""When the platform may be called ready, asked the way a person would: over HTTP."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping, Sequence

from desk.supervisor.merged_log import MergedLog

HEALTH_PATH = "/api/v1/health/ready"
REQUEST_TIMEOUT_SECONDS = 2.0
POLL_SECONDS = 0.25
SAY_AFTER_SECONDS = 20.0

Probe = Callable[[], "Mapping[str, object] | None"]


def http_probe(host: str, port: int, site: str = "localhost") -> Mapping[str, object] | None:
    """Ask the web process by a name that it answers to; the JSON answer, or None when it does not answer yet."""
    connection = http.client.HTTPConnection(host, port, timeout=REQUEST_TIMEOUT_SECONDS)
    try:
        connection.request("GET", HEALTH_PATH, headers={"Host": site})
        body = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return body if isinstance(body, dict) else None


class Readiness:
    """Called on every tick until the platform is ready; then says so once.

    Ready means: the health address answers "ready", and every process this supervisor started has
    proved a loop since.
    """

    def __init__(
        self,
        *,
        probe: Probe,
        waiting_for: Callable[[], Sequence[str]],
        headline: str,
        log: MergedLog,
        started_at: float,
    ) -> None:
        self._probe = probe
        self._waiting_for = waiting_for
        self._headline = headline
        self._log = log
        self._started_at = started_at
        self._next = 0.0
        self._next_word = started_at + SAY_AFTER_SECONDS

    def __call__(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        answer = self._probe()
        missing = self._missing(answer)
        if not missing:
            self._log.say(f"ready after {time.monotonic() - self._started_at:.1f} s")
            self._log.headline(self._headline)
            return True
        self._next = time.monotonic() + POLL_SECONDS
        if now >= self._next_word:
            self._next_word = now + SAY_AFTER_SECONDS
            self._log.say("still waiting for " + ", ".join(missing))
        return False

    def _missing(self, answer: Mapping[str, object] | None) -> list[str]:
        if answer is None:
            return ["web"]
        missing = [] if answer.get("status") == "ready" else _failing(answer.get("checks"))
        return missing + list(self._waiting_for())


def _failing(checks: object) -> list[str]:
    """Words for what /health/ready says is not there yet."""
    if not isinstance(checks, list):
        return [HEALTH_PATH]
    words = [
        f"{check['name']} ({check['detail']})" if check.get("detail") else str(check["name"])
        for check in checks
        if isinstance(check, dict) and not check.get("ok") and "name" in check
    ]
    return words or [HEALTH_PATH]
