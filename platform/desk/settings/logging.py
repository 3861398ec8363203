"""Logging: one line per event on stderr; the supervisor adds the process's name."""

from __future__ import annotations

import logging
from typing import Any

from .schema import get_config

_level = get_config().log_level


class NotAnAnswer(logging.Filter):
    """Drop Django's error line for a 503: the platform said it on purpose, with a code.

    A bug answers 500 and keeps its line and traceback.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != 503


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"not_an_answer": {"()": NotAnAnswer}},
    "formatters": {
        "line": {
            "format": "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s",
            "datefmt": "%Y-%m-%d %H:%M:%S",
        },
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
    },
    "root": {"handlers": ["stderr"], "level": _level},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # A refused request is an answer, not an event of ours (4xx would log a warning each).
        "django.request": {"level": "ERROR", "filters": ["not_an_answer"]},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
    },
}
