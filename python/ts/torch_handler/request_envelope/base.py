"""What stands around a handler when the server's `service_envelope` names an envelope."""

from __future__ import annotations

from typing import Any, Callable, List, Optional


class BaseEnvelope:
    """Opens requests for a handler that takes plain values, and packs its results. A subclass defines both."""

    def __init__(self, handle_fn: Callable[[Any, Any], Any]) -> None:
        self._handle_fn = handle_fn
        self.context: Any = None

    def handle(self, data: Optional[List[Any]], context: Any) -> Any:
        """One batch; what is empty goes through as it is."""
        self.context = context
        results = self._handle_fn(self.parse_input(data) if data else data, context)
        return self.format_output(results) if results else results

    def parse_input(self, data: List[Any]) -> Any:
        """What the handler gets."""
        raise NotImplementedError

    def format_output(self, data: Any) -> Any:
        """What the requests are answered with."""
        raise NotImplementedError


def content_of(row: Any) -> Any:
    """What a request brought as `data` or as `body`."""
    return row.get("data") or row.get("body")
