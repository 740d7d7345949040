"""What a handler returned or raised, turned into the outcomes of its jobs (TorchServe's texts and statuses)."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import traceback
from types import TracebackType
from typing import Any, Optional

from marina_worker.frames import Bytes
from marina_worker.messages import Failure, Headers, Reply

INVALID_OUTPUT = "Invalid model predict output"
WRONG_LENGTH = "number of batch response mismatched"
UNSUPPORTED_TYPE = "Unsupported model output data type."

# RFC 9110 §5.1 and §5.5: what the name and the value of a header may hold.
_HEADER_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class InvalidOutput(Exception):
    """A value that no answer can be; the text is what the client gets."""


def encode_body(value: Any) -> Bytes:
    """Bytes as they are, text as UTF-8, tensors by torch.save, anything else as JSON indented by two. Raises InvalidOutput."""
    if isinstance(value, (bytes, bytearray)):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        file = io.BytesIO()
        torch.save(value, file)
        return file.getvalue()
    try:
        return json.dumps(value, indent=2).encode("utf-8")
    except (TypeError, ValueError, RecursionError):
        raise InvalidOutput(UNSUPPORTED_TYPE) from None


def checked_reply(status: Any, phrase: Any, headers: Headers, body: Bytes) -> Reply:
    """A reply that HTTP can say. Raises InvalidOutput naming what it cannot (RFC 9110 §5, §15)."""
    if not isinstance(status, int) or not 200 <= status <= 999:
        raise InvalidOutput(f"The handler set the status {status!r}, not a whole number from 200 to 999.")
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise InvalidOutput(f"The handler set a header that is named {name!r}.")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise InvalidOutput(f"The handler set the header {name} to {value!r}, which no header can hold.")
    if phrase and not (isinstance(phrase, str) and _HEADER_VALUE.fullmatch(phrase)):
        raise InvalidOutput(f"The handler set the reason phrase {phrase!r}, which no status line can hold.")
    return Reply(int(status), headers, body, phrase or "")


def raised(error: BaseException, model_dir: str) -> Failure:
    """The failure of jobs whose handler raised."""
    from ts.utils.util import PredictionException

    text = str(error)
    if isinstance(error, PredictionException):
        # TorchServe reports 413 as 507, for clients would take it for the server's own limit.
        status = 507 if error.error_code == 413 else error.error_code
        return Failure("rejected", status if isinstance(status, int) else 500, str(error.message))
    where, trace = place_of(error.__traceback__, model_dir), trace_of(error)
    if isinstance(error, MemoryError) or "CUDA" in text:
        return Failure("out-of-memory", 507, f"{type(error).__name__}: {text}", where, trace)
    return Failure("exception", 503, f"{type(error).__name__}: {text}", where, trace)


def trace_of(error: BaseException) -> str:
    """The whole traceback with its causes, without the frames of this package."""
    within = os.path.dirname(os.path.abspath(__file__)) + os.sep
    at = error.__traceback__
    while at is not None and at.tb_next is not None and at.tb_frame.f_code.co_filename.startswith(within):
        at = at.tb_next
    return "".join(traceback.format_exception(type(error), error, at)).rstrip("\n")


def place_of(at: Optional[TracebackType], model_dir: str) -> Optional[str]:
    """`file:line` of the innermost frame that lies in the model's folder, or else of the innermost."""
    model_dir = os.path.realpath(model_dir)
    place = None
    inside = False
    for frame, line in traceback.walk_tb(at):
        file = frame.f_code.co_filename
        is_ours = os.path.realpath(file).startswith(model_dir + os.sep)
        if is_ours or not inside:
            inside = inside or is_ours
            place = f"{os.path.relpath(os.path.realpath(file), model_dir) if is_ours else file}:{line}"
    return place
