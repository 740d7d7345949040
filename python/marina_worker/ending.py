"""How a worker ends whose server is gone."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def end_without_server() -> NoReturn:
    """Ends this process with all that its handler has started, where it leads a process group of its own; no worker
    outlives its server. A copy that a handler forked leads none, and ends alone."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)
