"""The envelope `json`: `{"instances": […]}` in and `{"predictions": […]}` out, as TensorFlow Serving has it."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any, Iterator, List

from ts.torch_handler.request_envelope import base


class JSONEnvelope(base.BaseEnvelope):
    """The handler gets the instances of all requests in one list, and gives one result for each."""

    _lengths: List[int] = []

    def parse_input(self, data: List[Any]) -> List[Any]:
        """Raises TypeError or KeyError for a body that is no JSON with `instances`."""
        batches = [_instances_of(row) for row in data]
        self._lengths = [len(batch) for batch in batches]
        return [instance for batch in batches for instance in batch]

    def format_output(self, data: List[Any]) -> List[str]:
        return [json.dumps({"predictions": share}) for share in self._shares(data)]

    def _shares(self, data: List[Any]) -> Iterator[List[Any]]:
        at = 0
        for length in self._lengths:
            yield data[at : at + length]
            at += length


def _instances_of(row: Any) -> List[Any]:
    instances: List[Any] = (base.content_of(row) or row)["instances"]
    if not isinstance(instances[0], dict):
        return instances
    return [_decoded(_columns_decoded(instance)) for instance in instances]


def _columns_decoded(instance: Any) -> Any:
    return {name: _decoded(value) for name, value in instance.items()}


def _decoded(value: Any) -> Any:
    """`{"b64": …}` as bytes."""
    return b64decode(value["b64"]) if isinstance(value, dict) and list(value) == ["b64"] else value
