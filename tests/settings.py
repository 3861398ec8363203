"""Settings of a test run: the platform's own, in the test environment, with its own state folder.

pytest reads settings before any conftest, so the environment is prepared here.
"""

import atexit
import os
import shutil
import tempfile

os.environ["DESK_ENV"] = "test"
os.environ["TZ"] = "Asia/Shanghai"
os.environ["DESK_STATE_DIR"] = tempfile.mkdtemp(prefix="desk-test-")
for _name in ("DESK_REDIS_URL", "DESK_SIM_DATA", "DESK_SECRET_KEY", "DESK_DEBUG", "PORT"):
    os.environ.pop(_name, None)
_owner = os.getpid()


def _remove_state() -> None:
    # Not in forked children: the folder is the test run's.
    if os.getpid() == _owner:
        shutil.rmtree(os.environ["DESK_STATE_DIR"], ignore_errors=True)


atexit.register(_remove_state)

from desk.settings import *

# Processes that tests start read the platform's own settings, in the same environment.
os.environ["DJANGO_SETTINGS_MODULE"] = "desk.settings"
