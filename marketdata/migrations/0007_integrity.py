"""Findings of the integrity checker and what it has looked at."""

  File "/tmp/md4scratch/mm2.py", line 17, in <module>
    l=MigrationLoader(None)
      ^^^^^^^^^^^^^^^^^^^^^
  File "/work/main/.venv/lib/python3.11/site-packages/django/db/migrations/loader.py", line 58, in __init__
    self.build_graph()
  File "/work/main/.venv/lib/python3.11/site-packages/django/db/migrations/loader.py", line 229, in build_graph
    self.load_disk()
  File "/work/main/.venv/lib/python3.11/site-packages/django/db/migrations/loader.py", line 130, in load_disk
    raise BadMigrationError(
django.db.migrations.exceptions.BadMigrationError: Migration 0007_integrity in app marketdata has no Migration class
