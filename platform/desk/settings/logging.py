"""Logging: one line per event, for people or for machines, on stderr or in a file per process; never a secret.

Under the supervisor lines go to stderr, and it adds the process's name; under containers and systemd somebody else keeps
them; `DESK_LOG_TO=files` is for processes that nobody listens to.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from ops.redaction import remember_secrets

from .schema import DeskConfig, get_config

_config = get_config()


def _configured_secrets(config: DeskConfig) -> Iterator[str]:
    """The values that must not stand in a log: of an address with a password only the password."""
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, SecretStr):
            text = value.get_secret_value()
            yield (urlsplit(text).password or "") if "://" in text else text


remember_secrets(_configured_secrets(_config))


class NotAnAnswer(logging.Filter):
    """Drop Django's error line for a 503: the platform said it on purpose, with a code.

    A bug answers 500 and keeps its line and traceback.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 503


_FILE = {
    "class": "desk.logfiles.ProcessFile",
    "folder": _config.log_dir,
    "max_bytes": _config.log_file_mb * 1_000_000,
    "keep": _config.log_files,
}
_STDERR = {"class": "logging.StreamHandler"}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"not_an_answer": {"()": NotAnAnswer}, "about_what": {"()": "ops.logs.AboutWhat"}},
    "formatters": {
        "text": {
            "()": "ops.logs.LineFormatter",
            "format": "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s",
            "datefmt": "%Y-%m-%d %H:%M:%S",
        },
        "json": {"()": "ops.logs.JsonFormatter"},
    },
    "handlers": {
        "lines": {
            **(_FILE if _config.log_to == "files" else _STDERR),
            "formatter": _config.log_format,
            "filters": ["about_what"],
        },
    },
    "root": {"handlers": ["lines"], "level": _config.log_level},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # A refused request is an answer, not an event of ours (4xx would log a warning each).
        "django.request": {"level": "ERROR", "filters": ["not_an_answer"]},
        # `desk.refusals` tells of both, without what stands in an address.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django.security.csrf": {"level": "ERROR"},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
    },
}
