"""Tensors of a request as the lists that Open Inference Protocol JSON has."""

from __future__ import annotations

import struct
from typing import Any, List

from marina_worker.messages import Tensor

# By ONNX's names of the types: how `struct` reads one element, and what the protocol calls it.
_TYPES = {
    "float32": ("f", "FP32"),
    "float64": ("d", "FP64"),
    "float16": ("e", "FP16"),
    "int8": ("b", "INT8"),
    "uint8": ("B", "UINT8"),
    "int16": ("h", "INT16"),
    "uint16": ("H", "UINT16"),
    "int32": ("i", "INT32"),
    "uint32": ("I", "UINT32"),
    "int64": ("q", "INT64"),
    "uint64": ("Q", "UINT64"),
    "bool": ("?", "BOOL"),
}


def datatype_of(tensor: Tensor) -> str:
    """The protocol's name of the type: `FP32`, `BYTES`."""
    return _TYPES[tensor.type][1] if tensor.type in _TYPES else "BYTES"


def values_of(tensor: Tensor, data: bytearray) -> List[Any]:
    """The elements, flat and row-major. Raises ValueError where bytes, type and shape do not fit together."""
    elements = 1
    for size in tensor.shape:
        elements *= size
    if tensor.type == "string":
        values: List[Any] = bytes(data).decode("utf-8").split("\0") if elements or data else []
    elif tensor.type in _TYPES:
        form = _TYPES[tensor.type][0]
        count, rest = divmod(len(data), struct.calcsize("<" + form))
        if rest:
            raise ValueError(f"the tensor '{tensor.name}' has {len(data)} bytes of {tensor.type}")
        values = list(struct.unpack(f"<{count}{form}", data))
    else:
        raise ValueError(f"the tensor '{tensor.name}' has the unknown type {tensor.type}")
    if len(values) != elements:
        raise ValueError(f"the tensor '{tensor.name}' has {len(values)} values for the shape {tensor.shape}")
    return values
