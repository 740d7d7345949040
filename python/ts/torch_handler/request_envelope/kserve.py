"""The envelope `kserve`: version 1 of KServe's protocol, one request at a time."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from ts.torch_handler.request_envelope import base


class KServeEnvelope(base.BaseEnvelope):
    """The handler gets the `instances` of the first request; its results are the `predictions`, or the `explanations`."""

    def parse_input(self, data: List[Any]) -> Any:
        body = base.content_of(data[0])
        if isinstance(body, (bytes, bytearray)):
            body = json.loads(body)
        return body.get("instances")

    def format_output(self, data: Any) -> List[Dict[str, Any]]:
        return [{"explanations" if self._is_explain() else "predictions": data}]

    def _is_explain(self) -> bool:
        return bool(self.context) and self.context.get_request_header(0, "explain") == "True"
