"""Helpers of handlers: streamed answers, and classes by their name."""

from __future__ import annotations

import importlib
import os
from typing import Any, Dict, List, Optional


def send_intermediate_predict_response(
    ret: List[Any], req_id_map: Dict[int, str], message: str, code: int, context: Any = None
) -> None:
    """Sends one piece of the answer of each request in `req_id_map`; what the handler returns at the end is the last piece.
    `message` and `code` are not looked at. Does nothing on other ranks than the first."""
    if context is None or os.environ.get("LOCAL_RANK", "0") != "0":
        return
    context.cl_socket.send_pieces(ret, req_id_map)


def import_class(class_name: str, module_prefix: Optional[str] = None) -> Any:
    """The class of the name `package.module.Class`, or `Class` in the module `module_prefix`. Raises ImportError."""
    module_name, _, name = class_name.rpartition(".")
    module_name = ".".join(part for part in (module_prefix, module_name) if part)
    if not name or not module_name:
        raise ImportError(f"class name {class_name!r} is not valid: write package.module.Class")
    module = importlib.import_module(module_name)
    try:
        return getattr(module, name)
    except AttributeError:
        raise ImportError(f"there is no {name} in {module_name}") from None


def __getattr__(name: str) -> Any:
    if name != "create_predict_response":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise ImportError(f"{name} is left out of Marina's own ts: it is TorchServe's way from worker to server. Return a list.")
