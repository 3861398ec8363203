"""What this software is called and which version it is; pyproject.toml says the same."""

from __future__ import annotations

NAME = "QMT Desk"
VERSION = "1.0.0"
