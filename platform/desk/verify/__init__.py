"""Is what is stored what it claims to be: `manage.py verify`, and every backup that is proven. See docs/backup.md."""
