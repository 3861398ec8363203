"""Mail: an SMTP server where one is configured; outside production the log instead."""

from __future__ import annotations

from .schema import get_config

_config = get_config()

DEFAULT_FROM_EMAIL = _config.mail_from
SERVER_EMAIL = _config.mail_from
EMAIL_HOST = _config.mail_host
EMAIL_PORT = _config.mail_port
EMAIL_HOST_USER = _config.mail_user
EMAIL_HOST_PASSWORD = _config.mail_password.get_secret_value() if _config.mail_password else ""
EMAIL_USE_TLS = _config.mail_security == "starttls"
EMAIL_USE_SSL = _config.mail_security == "tls"
EMAIL_TIMEOUT = 10

if _config.mail_host:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
elif _config.env == "production":
    # Without a server nothing is sent, and the delivery log says so.
    EMAIL_BACKEND = "ops.mail.NoServerBackend"
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
