"""The envelope `kservev2`: the Open Inference Protocol, one request at a time."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from ts.torch_handler.request_envelope import base
from ts.torch_handler.requirement import require

# By numpy's names of the types; texts and objects by the letter of their kind.
_DATATYPES = {
    "bool": "BOOL",
    **{f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)},
    "object": "BYTES",
    "U": "BYTES",
}


class KServev2Envelope(base.BaseEnvelope):
    """The handler gets the first request's inputs, each with its `data` in its `shape`; its results are the outputs, each
    flat and under the name of the input at its place."""

    _id: Any = None

    def parse_input(self, data: List[Any]) -> List[Dict[str, Any]]:
        """Raises KeyError, TypeError or ValueError for a body that is no such request."""
        body = base.content_of(data[0])
        if isinstance(body, (bytes, bytearray)):
            body = json.loads(body)
        inputs = [{**tensor, "data": _shaped(tensor)} for tensor in body["inputs"]]
        given = body.get("id")
        self.context.input_names = [tensor["name"] for tensor in inputs]  # Handlers read it.
        self._id = given if given and given.strip() else self.context.get_request_id(0)
        return inputs

    def format_output(self, data: Any) -> List[Dict[str, Any]]:
        """Raises IndexError for more results than inputs, KeyError for values that no datatype is for."""
        model, names = self.context.manifest["model"], self.context.input_names
        return [
            {
                "id": self._id,
                "model_name": model.get("modelName"),
                "model_version": model.get("modelVersion"),
                "outputs": [_output(value, names[at]) for at, value in enumerate(data)],
            }
        ]


def _shaped(tensor: Dict[str, Any]) -> Any:
    if tensor["datatype"] == "BYTES":
        return tensor["data"][0]
    numpy = require("numpy", "The envelope kservev2")
    return numpy.array(tensor["data"]).reshape(tuple(tensor["shape"])).tolist()


def _output(value: Any, name: str) -> Dict[str, Any]:
    values = require("numpy", "The envelope kservev2").array(value).flatten()
    kind = str(values.dtype)
    datatype = _DATATYPES[kind if kind in _DATATYPES else values.dtype.kind]
    return {"name": name, "datatype": datatype, "data": values.tolist(), "shape": list(values.shape)}
