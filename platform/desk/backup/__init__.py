"""Backups of everything that cannot be had again, and the way back; see docs/backup.md."""
