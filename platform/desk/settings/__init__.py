"""Django settings, one module per concern; values come from `schema.get_config()`."""

from .safety import refuse_unsafe
from .schema import get_config
from .stamp import refuse_foreign_folder

refuse_unsafe(get_config())
refuse_foreign_folder(get_config())

from .alerts import *
from .apps import *
from .auth import *
from .caching import *
from .celery import *
from .channels import *
from .cors import *
from .databases import *
from .disk import *
from .i18n import *
from .logging import *
from .mail import *
from .marketdata import *
from .metrics import *
from .rest import *
from .security import *
from .static import *
