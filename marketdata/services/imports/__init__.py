"""Bars from files."""

from marketdata.services.imports.service import (
    JOB_KIND,
    import_confirm,
    import_get,
    import_preview,
    import_run,
    reading_of,
)

__all__ = ["JOB_KIND", "import_confirm", "import_get", "import_preview", "import_run", "reading_of"]
