"""Setting rules on bars, and judging bars by them."""

from __future__ import annotations

from trading.barrules.services.judging import rules_judge
from trading.barrules.services.setting import AMOUNT_LEAST, AMOUNT_MOST, FIELDS, macd_rule_set

__all__ = ["AMOUNT_LEAST", "AMOUNT_MOST", "FIELDS", "macd_rule_set", "rules_judge"]
