"""What a user name may be made of: nothing in which one name can be written to look like another."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

#: ASCII, and the unified ideographs: letters of other scripts, full-width forms and what is not seen have twins among these.
username_validator = RegexValidator(
    r"\A[A-Za-z0-9@.+_\-\u3400-\u4dbf\u4e00-\u9fff]+\Z",
    message=_("A user name has letters from a to z, digits, Chinese characters, and @ . + - _ only."),
)
