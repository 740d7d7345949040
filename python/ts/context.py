"""What a handler knows of its model and of the requests in hand."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Tuple


class RequestProcessor:
    """One request's headers, and the status and headers of its answer."""

    def __init__(self, request_header: Dict[str, Any]) -> None:
        self._status_code = 200
        self._reason_phrase: Optional[str] = None
        self._response_header: Dict[str, str] = {}
        self._request_header = request_header

    def get_request_property(self, key: str) -> Any:
        """The header of exactly this name, or None."""
        return self._request_header.get(key)

    def get_request_properties(self) -> Dict[str, Any]:
        """All headers, and a dict `{"content-type": …}` under the name of each part."""
        return self._request_header

    def report_status(self, code: int, reason_phrase: Optional[str] = None) -> None:
        """Sets the answer's status."""
        self._status_code = code
        self._reason_phrase = reason_phrase

    def get_response_status_code(self) -> int:
        """The answer's status; 200 until one is set."""
        return self._status_code

    def get_response_status_phrase(self) -> Optional[str]:
        """The answer's reason phrase, or None."""
        return self._reason_phrase

    def add_response_property(self, key: str, value: str) -> None:
        """Sets a header of the answer."""
        self._response_header[key] = value

    def get_response_headers(self) -> Dict[str, str]:
        """The headers that are set."""
        return self._response_header

    def get_response_header(self, key: str) -> Optional[str]:
        """The header of exactly this name, or None."""
        return self._response_header.get(key)


class Context:
    """One for each worker, for its whole life; what belongs to the requests is replaced before each batch. Handlers may put
    attributes of their own here."""

    def __init__(
        self,
        model_name: str,
        model_dir: str,
        manifest: Optional[Dict[str, Any]],
        batch_size: int,
        gpu: Optional[int],
        mms_version: str,
        limit_max_image_pixels: bool = True,
        metrics: Any = None,
        model_yaml_config: Any = None,
    ) -> None:
        self.model_name = model_name
        self.manifest = manifest
        self.system_properties: Dict[str, Any] = {
            "model_dir": model_dir,
            "gpu_id": gpu,
            "batch_size": batch_size,
            "server_name": "MMS",
            "server_version": mms_version,
            "limit_max_image_pixels": limit_max_image_pixels,
        }
        self.request_ids: Optional[Dict[int, str]] = None
        self.request_processor: Optional[List[RequestProcessor]] = None
        self.metrics = metrics
        self.model_yaml_config = model_yaml_config
        self.stopping_criteria: Any = None
        self.cl_socket: Any = None
        self.header_key_sequence_id = os.environ.get("TS_REQUEST_SEQUENCE_ID", "ts_request_sequence_id")
        self.header_key_sequence_start = os.environ.get("TS_REQUEST_SEQUENCE_START", "ts_request_sequence_start")
        self.header_key_sequence_end = os.environ.get("TS_REQUEST_SEQUENCE_END", "ts_request_sequence_end")

    def get_request_id(self, idx: int = 0) -> Optional[str]:
        """The `x-request-id` of a row; None before the first request and for a row that is not there."""
        return self.request_ids.get(idx) if self.request_ids else None

    def get_request_header(self, idx: int, key: str) -> Any:
        """A row's header of exactly this name, or None."""
        return self._processor(idx).get_request_property(key)

    def get_all_request_header(self, idx: int) -> Dict[str, Any]:
        """A row's headers, and a dict `{"content-type": …}` under the name of each part."""
        return self._processor(idx).get_request_properties()

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Sets the header `content-type` of a row's answer; without it there is none."""
        self.set_response_header(idx, "content-type", value)

    def get_response_content_type(self, idx: int) -> Optional[str]:
        """The header `content-type` of a row's answer, or None."""
        return self._processor(idx).get_response_header("content-type")

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        """Sets the status of a row's answer; does nothing while there are no requests."""
        if self.request_processor is not None:
            self._processor(idx).report_status(code, reason_phrase=phrase)

    def set_all_response_status(self, code: int = 200, phrase: str = "") -> None:
        """Sets the status of all answers of the batch."""
        for processor in self.request_processor or []:
            processor.report_status(code, reason_phrase=phrase)

    def get_response_status(self, idx: int) -> Tuple[int, Optional[str]]:
        """Status and reason phrase of a row's answer; `(200, None)` at first."""
        processor = self._processor(idx)
        return processor.get_response_status_code(), processor.get_response_status_phrase()

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """Sets a header of a row's answer."""
        self._processor(idx).add_response_property(key, value)

    def get_response_headers(self, idx: int) -> Dict[str, str]:
        """The headers of a row's answer that are set."""
        return self._processor(idx).get_response_headers()

    def get_sequence_id(self, idx: int) -> Any:
        """The id of the sequence that a row belongs to, or None."""
        return self.get_request_header(idx, self.header_key_sequence_id)

    def _processor(self, idx: int) -> RequestProcessor:
        if self.request_processor is None:
            raise RuntimeError("There is no request: headers and statuses belong to the requests of a batch.")
        return self.request_processor[idx]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Context) and self.__dict__ == other.__dict__

    __hash__ = object.__hash__
