"""Each token has its own rate; the answer's headers say how much of it is left."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.models import ApiToken
from ops import rates
from ops.rates import RateDecision

#: Where the decision waits for `RateHeadersMiddleware`.
ATTRIBUTE = "rate_decision"


class TokenThrottle(BaseThrottle):
    """Refuses a token that asks more often than it may. A browser's session has no limit.

    Views that stop something (cancel, halt) opt out by ``throttle_classes = ()``: no
    limit of ours ever refuses a cancel.
    """

    def __init__(self) -> None:
        self._decision: RateDecision | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        token = request.auth
        if not isinstance(token, ApiToken):
            return True
        self._decision = rates.take(f"token:{token.pk}", limit=token.rate_per_minute)
        setattr(request._request, ATTRIBUTE, self._decision)
        return self._decision.allowed

    def wait(self) -> float | None:
        return None if self._decision is None else float(self._decision.retry_seconds)


class PersonThrottle(BaseThrottle):
    """Bounds how often a person may ask one view, whatever they ask with: its ``person_rate_per_minute``."""

    def __init__(self) -> None:
        self._decision: RateDecision | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        key = f"view:{type(view).__name__}:{request.user.pk}"
        self._decision = rates.take(key, limit=view.person_rate_per_minute)
        return self._decision.allowed

    def wait(self) -> float | None:
        return None if self._decision is None else float(self._decision.retry_seconds)
