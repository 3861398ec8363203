"""Cache: per process. Nothing that must be right is ever only in a cache."""

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
