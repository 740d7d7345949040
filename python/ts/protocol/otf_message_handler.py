"""The old place of `send_intermediate_predict_response`. The wire format that lived here is TorchServe's own."""

from __future__ import annotations

from typing import Any

from ts.handler_utils.utils import send_intermediate_predict_response as _send
from ts.utils.util import deprecated

send_intermediate_predict_response = deprecated("0.9.0", "ts.handler_utils.utils.send_intermediate_predict_response")(
    _send
)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        f"{name} is left out of Marina's own ts: it is part of TorchServe's way between server and worker. "
        "Answer by returning a list, or a piece at a time by send_intermediate_predict_response."
    )
