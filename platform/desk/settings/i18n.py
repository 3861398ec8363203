"""Languages and time: Chinese first, English second, Shanghai everywhere."""

from __future__ import annotations

from .safety import TIME_ZONE as _TIME_ZONE
from .schema import ROOT

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [ROOT / "frontend" / "locale"]
USE_I18N = True

TIME_ZONE = _TIME_ZONE
USE_TZ = True
