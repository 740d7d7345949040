"""What a request looks like to a handler: one dict from the names of its parts to their values (TorchServe's rule: text and
JSON are decoded where the client said so, everything else is a bytearray)."""

from __future__ import annotations

import json
import logging
from typing import Any, Dict, Union

from marina_worker.messages import FileBody, Job, Part
from marina_worker.tensors import datatype_of, values_of

logger = logging.getLogger("ts")


def row_of(job: Job, decode: bool, model: str) -> Dict[str, Any]:
    """The row of a job. Raises OSError for a body whose file cannot be read, ValueError for a tensor that is none."""
    if job.tensors is not None:
        inputs = [
            {
                "name": tensor.name,
                "shape": tensor.shape,
                "datatype": datatype_of(tensor),
                "data": values_of(tensor, bytes_of(tensor.body)),
            }
            for tensor in job.tensors
        ]
        return {"body": {"id": job.id, "model_name": model, "inputs": inputs}}
    if decode:
        return {part.name: value_of(part) for part in job.parts}
    return {part.name: bytes_of(part.body) for part in job.parts}


def value_of(part: Part) -> Any:
    """The value of a part whose type says what it is; what cannot be decoded is handed on as it came."""
    data, content_type = bytes_of(part.body), part.content_type
    if content_type == "application/json":
        try:
            # Not the bytes themselves: a byte order mark or another encoding is not decoded, as in the original.
            return json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError):
            logger.warning("Failed json decoding of input data. Forwarding encoded payload", exc_info=True)
    elif content_type is not None and content_type.startswith("text"):
        try:
            return data.decode("utf-8")
        except ValueError:
            logger.warning("Failed utf-8 decoding of input data. Forwarding encoded payload", exc_info=True)
    return data


def bytes_of(body: Union[bytearray, FileBody]) -> bytearray:
    """The bytes of a body; those in a file are read whole."""
    if isinstance(body, bytearray):
        return body
    data = bytearray(body.size)
    room = memoryview(data)
    with open(body.file, "rb", buffering=0) as file:
        file.seek(body.offset)
        while len(room):
            count = file.readinto(room)
            if not count:
                raise OSError(f"{body.file} ended {len(room)} bytes early")
            room = room[count:]
    return data
