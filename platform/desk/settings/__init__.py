"""Django settings, one module per concern; values come from `schema.get_config()`."""

from .safety import refuse_unsafe
from .schema import get_config

refuse_unsafe(get_config())

from .apps import *
from .auth import *
from .caching import *
from .celery import *
from .channels import *
from .databases import *
from .i18n import *
from .logging import *
from .rest import *
from .security import *
from .static import *
