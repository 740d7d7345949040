"""The envelope `body`."""

from __future__ import annotations

from typing import Any, List

from ts.torch_handler.request_envelope import base


class BodyEnvelope(base.BaseEnvelope):
    """The handler gets what requests brought, without the names of the parts."""

    def parse_input(self, data: List[Any]) -> List[Any]:
        return [base.content_of(row) for row in data]

    def format_output(self, data: Any) -> Any:
        return data
