"""Whether what runs in this container works: `python docker/health.py web`, or the names of heartbeats.

Standard library only and no Django: it runs every few seconds in each container.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
from pathlib import Path

HEALTH_PATH = "/api/v1/health/live"
TIMEOUT_SECONDS = 3.0
#: As `ops.health.HEARTBEAT_MAX_AGE`: a process beats every five seconds, one beat may be lost to a locked database.
MAX_AGE_SECONDS = 20.0


def web_problem() -> str:
    """Ask the web process of this container; blank when it answers."""
    name = os.environ.get("DESK_HOSTS", "localhost").split(",")[0].strip().removeprefix(".")
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(os.environ.get("DESK_PORT", "8000")), timeout=TIMEOUT_SECONDS
    )
    try:
        connection.request("GET", HEALTH_PATH, headers={"Host": name})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"web does not answer: {error}"
    finally:
        connection.close()
    return "" if status == http.HTTPStatus.OK else f"web answers {status}"


def heartbeat_problem(name: str) -> str:
    """Look at the file that a process touches with each successful loop; blank when it is recent."""
    path = Path(os.environ["DESK_STATE_DIR"]) / "run" / "heartbeats" / name
    try:
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return f"{name} has never reported"
    return f"{name} has been silent for {age:.0f} s" if age > MAX_AGE_SECONDS else ""


def main(names: list[str]) -> int:
    problems = [web_problem() if name == "web" else heartbeat_problem(name) for name in names]
    found = [problem for problem in problems if problem]
    sys.stdout.write("; ".join(found) or "ok")
    return 1 if found or not names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
