"""`MARKETDATA`: the checked content of `config/market_data.yaml` with its overrides."""

from __future__ import annotations

from .marketdata_file import get_marketdata as _get_marketdata

MARKETDATA = _get_marketdata()
