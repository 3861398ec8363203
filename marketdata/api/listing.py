"""What lists of static data share: who reads them, pages, chosen fields, 304, and the forms of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.api.permissions import require_scope
from accounts.choices import Scope
from marketdata.api.tabular import (
    ROWS_PER_PIECE,
    TABLE_RENDERERS,
    Columns,
    Row,
    columns_of,
    is_table,
    table_response,
)
from ops.api import DeskCursorPagination
from ops.selection import chosen, fields_of, names_of


@method_decorator(conditional_page, name="dispatch")
class StaticView(APIView):
    """A read of static data: open to everyone signed in, answered with 304 when the caller has it already."""

    permission_classes = (require_scope(Scope.MARKET_READ),)


class PagedView(StaticView):
    """A list in pages as JSON, whole as CSV, Arrow or Parquet; in the order of `ordering`."""

    renderer_classes = TABLE_RENDERERS
    ordering: ClassVar[str] = "id"
    shape: ClassVar[type[Serializer[Any]]]

    def page(self, request: Request, rows: QuerySet[Any]) -> HttpResponseBase:
        """One page of the rows, or all of them as a table."""
        if is_table(request):
            columns = self.columns()
            ordered = rows.order_by(self.ordering).iterator(chunk_size=ROWS_PER_PIECE)
            return table_response(request, columns, self.lines(ordered), fields_of(request, columns))
        names = fields_of(request, names_of(self.shape))
        paginator = DeskCursorPagination()
        paginator.ordering = self.ordering
        found = paginator.paginate_queryset(rows, request, view=self)
        return paginator.get_paginated_response(chosen(self.shape(found, many=True).data, names))

    def columns(self) -> Columns:
        """The columns of the table."""
        return columns_of(self.shape)

    def lines(self, rows: Iterable[Any]) -> Iterator[Row]:
        """The lines of the table, one or several a row."""
        shape = self.shape()
        return (shape.to_representation(row) for row in rows)
