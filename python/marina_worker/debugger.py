"""debugpy in a worker, for `marina dev --inspect`. It is opened by a signal, once the worker of before has left the port."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

# How long the debugger of a worker that is gone may hold the port.
PATIENCE_S = 10.0


def await_signal() -> None:
    """SIGUSR1 opens the debugger at `-X marina_debugger=HOST:PORT`; without that option nothing happens here."""
    address = sys._xoptions.get("marina_debugger")
    if isinstance(address, str):
        signal.signal(signal.SIGUSR1, lambda *_: _listen(address))


def _listen(address: str) -> None:
    _lead_to_project()
    import debugpy

    debugpy.configure(subProcess=False)
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            debugpy.listen((host, int(port)))
            break
        except RuntimeError as error:
            if time.monotonic() > deadline:
                print(f"The debugger cannot listen on {address}: {error}", file=sys.stderr, flush=True)
                return
            time.sleep(0.2)
    print(f"Debugger listening on {address} (debugpy {debugpy.__version__})", file=sys.stderr, flush=True)


def _lead_to_project() -> None:
    """Breakpoints are set in the project; what runs is a copy of it, the current folder. debugpy reads this variable once."""
    project: Any = sys._xoptions.get("marina_project")
    if isinstance(project, str):
        os.environ["PATHS_FROM_ECLIPSE_TO_PYTHON"] = json.dumps([[project, os.getcwd()]])
