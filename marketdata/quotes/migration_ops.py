"""Migration operations that lay the quote tables out for their engine."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class CreateClusteredModel(migrations.CreateModel):
    """Create a table that SQLite keeps in primary-key order, without a rowid.

    The hot tables are written and read by their composite key only. WITHOUT ROWID halves their size
    and spares every upsert the second b-tree. Other engines create the plain table.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        """Create the table, on SQLite without a rowid."""
        if schema_editor.connection.vendor != "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        plain = schema_editor.sql_create_table
        schema_editor.sql_create_table = plain + " WITHOUT ROWID"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = plain


def tune_postgres(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Set PostgreSQL's storage options: already compressed payloads, often updated quotes."""
    if schema_editor.connection.vendor != "postgresql":
        return
    # Payloads are zstd frames: a second compression would cost time and save nothing.
    schema_editor.execute("ALTER TABLE quotes_quotesegment ALTER COLUMN payload SET STORAGE EXTERNAL")
    # Every row is rewritten every few seconds: free room lets updates stay on their page (HOT).
    schema_editor.execute("ALTER TABLE quotes_latestquote SET (fillfactor = 60)")
    schema_editor.execute("ALTER TABLE quotes_rawquote SET (fillfactor = 90)")
