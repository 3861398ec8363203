"""Hosts, cookies, body limits and the content security policy."""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF

from .schema import get_config

_config = get_config()

STATE_DIR = _config.state_dir
SECRET_KEY = _config.secret_key_value()
ENCRYPTION_KEYS = _config.encryption_keys()
"""For stored secrets: the first seals, all of them open (ops.sealing)."""
QMT_HOST = _config.qmt_host
LIVE_KEY = _config.live_key.get_secret_value() if _config.live_key is not None else ""
"""With which a QMT host signs its live messages (ops.signing); blank on the platform, where it follows from the keys above."""
ALLOWED_HOSTS = list(_config.hosts)
CSRF_TRUSTED_ORIGINS = list(_config.trusted_origins)

DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
"""Largest request body in bytes; a larger one is refused at the door (desk.body_limit)."""
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_SAMESITE = "Lax"
if _config.behind_tls_proxy:
    # Not SECURE_PROXY_SSL_HEADER, which believes whoever sends the header: uvicorn reads it from `trusted_proxies` only
    # and tells Django in the request's scheme.
    SECURE_SSL_REDIRECT = True
    # Asked by container runtimes and balancers, beside the proxy; says nothing beyond yes or no.
    SECURE_REDIRECT_EXEMPT = [r"^api/v1/health/"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

SILENCED_SYSTEM_CHECKS = [
    # Preloading asks the browsers' makers to list the whole domain: its owner's decision, not this program's.
    "security.W021",
]

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    },
}
