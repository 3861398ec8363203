"""Which form an answer takes: `?format=` names one that the address has, or the request is refused."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import Http404
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer

from ops.errors import Code, Invalid


class StrictNegotiation(DefaultContentNegotiation):
    """The framework's negotiation, except that an unknown `?format=` is not "nothing here"."""

    def filter_renderers(self, renderers: Iterable[BaseRenderer], format: str) -> list[BaseRenderer]:  # noqa: A002
        known = list(renderers)
        try:
            return list(super().filter_renderers(known, format))
        except Http404:
            allowed = [str(renderer.format) for renderer in known]
            raise Invalid(Code.FIELD_INVALID, field="format", allowed=allowed) from None
