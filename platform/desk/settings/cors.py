"""Which other origins' pages may call the API: none, unless the installation names them.

Only `/api/` answers them, and only with a token: a browser is never asked to send the portal's cookie along.
"""

from __future__ import annotations

from corsheaders.defaults import default_headers

from .schema import get_config

CORS_ALLOWED_ORIGINS = list(get_config().cors_origins)
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = False
CORS_PREFLIGHT_MAX_AGE = 3600
CORS_ALLOW_HEADERS = (*default_headers, "idempotency-key", "if-none-match", "x-api-key", "x-request-id")
CORS_EXPOSE_HEADERS = (
    "deprecation",
    "etag",
    "link",
    "location",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "sunset",
    "x-data-complete",
    "x-data-source",
    "x-request-id",
)
