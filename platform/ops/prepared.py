"""Queries that are compiled once per connection, for the few reads that every order makes.

Building and compiling a queryset takes several times as long as SQLite needs to answer it. A `Prepared` query is an
ordinary queryset over parameters; its SQL, its converters and the way from rows to instances are kept with the
connection, so that a later call only binds its values and executes. What it returns is what the queryset would
return: instances with their `select_related`, or values. The data are read anew by every call: nothing of an answer is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet, ObjectDoesNotExist
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, Field, IntegerField, QuerySet
from django.db.models.sql.compiler import SQLCompiler

T = TypeVar("T")
_PLANS = "_desk_prepared_plans"


@dataclass(frozen=True, slots=True)
class _Slot:
    """The place of a value among a statement's parameters."""

    position: int
    field: Field[Any, Any]

    def bind(self, values: Sequence[Any], connection: BaseDatabaseWrapper) -> Any:
        """The value as the database takes it; EmptyResultSet for a number that no such column can hold."""
        value = values[self.position]
        if isinstance(value, int) and isinstance(self.field, IntegerField):
            least, most = connection.ops.integer_field_range(self.field.get_internal_type())
            if not least <= value <= most:
                raise EmptyResultSet
        return self.field.get_db_prep_value(value, connection, prepared=False)


class Parameter(Expression):
    """A value that is given later; stands in a filter where the value would."""

    def __init__(self, position: int, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.position = position

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> tuple[str, Any]:
        return "%s", (_Slot(self.position, self.output_field),)


class Prepared(Generic[T]):
    """One query with parameters.

    Parameters
    ----------
    build
        Called once per connection with one `Parameter` per field; returns the queryset. Nothing in it may depend on
        the moment: what differs from call to call is a parameter (`Now()` is asked of the database, at each call).
        Parameters stand where a value is compared for equality: one that is None, or a number beyond the column's
        range, finds nothing. `prefetch_related` is refused.
    fields
        What converts each value for the database.
    using
        The database; whatever the queryset says.

    Examples
    --------
    >>> ORDER = Prepared(lambda pk: Order.objects.filter(pk=pk), UUIDField())
    >>> ORDER.first(order_id)
    """

    def __init__(
        self, build: Callable[..., QuerySet[Any, T]], *fields: Field[Any, Any], using: str = "default"
    ) -> None:
        self._build = build
        self._fields = fields
        self._using = using

    def all(self, *values: Any) -> list[T]:
        """Every row, for these values of the parameters.

        Raises
        ------
        transaction.TransactionManagementError
            A query that locks rows, outside of a transaction.
        """
        if len(values) != len(self._fields):
            raise TypeError(f"{len(self._fields)} values are needed, {len(values)} were given")
        connection = connections[self._using]
        plans: dict[Prepared[Any], _Plan] = connection.__dict__.setdefault(_PLANS, {})
        plan = plans.get(self)
        if plan is None:
            parameters = (Parameter(position, field) for position, field in enumerate(self._fields))
            plan = plans[self] = _Plan(self._build(*parameters).using(self._using), connection)
        return plan.rows(values)

    def first(self, *values: Any) -> T | None:
        """The first row, or None; let the query name the order and the limit where there may be more."""
        return next(iter(self.all(*values)), None)

    def get(self, *values: Any) -> T:
        """The row of a query that has at most one.

        Raises
        ------
        ObjectDoesNotExist
            There is none.
        """
        row = self.first(*values)
        if row is None:
            raise ObjectDoesNotExist(f"no row for {values}")
        return row


class _Plan:
    """A compiled query of one connection: the queryset with a compiler that has done its work.

    A connection belongs to one thread, so nobody else binds values between `rows` and the execution.
    """

    def __init__(self, queryset: QuerySet[Any, Any], connection: BaseDatabaseWrapper) -> None:
        if getattr(queryset, "_prefetch_related_lookups", ()):
            raise ValueError("a prepared query does not prefetch")
        compiler: Any = queryset.query.get_compiler(connection=connection)
        self._sql, template = compiler.as_sql()
        if compiler.has_extra_select:
            raise ValueError("a prepared query selects nothing but its columns")
        self._template: tuple[Any, ...] = tuple(template)
        converters = compiler.get_converters([column for column, _, _ in compiler.select[: compiler.col_count]])
        self._locks = queryset.query.select_for_update
        self._connection = connection
        self._bound: tuple[Any, ...] = ()
        # The queryset's own way from rows to what it returns, with the compiler's answers given in advance.
        compiler.execute_sql = lambda *_, **__: [self._fetched()]
        compiler.get_converters = lambda _: converters
        queryset.query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
        self._queryset: Any = queryset

    def rows(self, values: Sequence[Any]) -> list[Any]:
        connection = self._connection
        if self._locks and not connection.in_atomic_block:
            raise transaction.TransactionManagementError("a prepared query locks rows outside of a transaction")
        try:
            self._bound = tuple(
                part.bind(values, connection) if isinstance(part, _Slot) else part for part in self._template
            )
        except EmptyResultSet:
            return []
        return [*self._queryset._iterable_class(self._queryset)]

    def _fetched(self) -> list[Any]:
        with _cursor(self._connection) as cursor:
            cursor.execute(self._sql, self._bound)
            rows: list[Any] = cursor.fetchall()
        return rows


def _cursor(connection: Any) -> Any:
    """A cursor of Django's; on PostgreSQL one that leaves the values out of the statement.

    Django puts values into the text, so that the server parses and plans each statement anew. With the values apart
    psycopg recognises a statement and has the server keep its plan (`prepare_threshold` in the settings). Where
    statements are recorded, they are recorded with their values.
    """
    if connection.vendor != "postgresql" or connection.queries_logged:
        return connection.cursor()
    from django.db.backends.postgresql.base import ServerBindingCursor

    connection.ensure_connection()
    raw = connection.connection
    usual, raw.cursor_factory = raw.cursor_factory, ServerBindingCursor
    try:
        return connection.cursor()
    finally:
        raw.cursor_factory = usual
