"""A handler that asks for the `ts` of an installed torchserve gets it. What stands between the handler and this worker stays
Marina's: the context, the dimensions and types of its metrics, and the way that pieces of answers take."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Dict

_KEPT = ("ts.context", "ts.metrics.dimension", "ts.metrics.metric_type_enum")
_SENDERS = ("ts.handler_utils.utils", "ts.protocol.otf_message_handler")
_SEND = "send_intermediate_predict_response"


def use_installed_ts() -> None:
    """From here on `import ts` gives the installed one. Raises ModuleNotFoundError where this Python has none."""
    kept = {name: importlib.import_module(name) for name in _KEPT}
    send = getattr(importlib.import_module(_SENDERS[0]), _SEND)
    _leave_ours()
    if importlib.util.find_spec("ts") is None:
        text = "installed_ts is set, and this Python has no torchserve. Install it: "
        raise ModuleNotFoundError(f"{text}{sys.executable} -m pip install torchserve", name="ts")
    _keep(kept)
    for name in _SENDERS:
        setattr(importlib.import_module(name), _SEND, send)


def _leave_ours() -> None:
    from ts.left_out import LeftOutFinder

    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not LeftOutFinder]
    for name in [name for name in sys.modules if name == "ts" or name.startswith("ts.")]:
        del sys.modules[name]
    library = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != library]
    importlib.invalidate_caches()


def _keep(kept: Dict[str, ModuleType]) -> None:
    for name, module in kept.items():
        package, _, last = name.rpartition(".")
        setattr(importlib.import_module(package), last, module)
        sys.modules[name] = module
