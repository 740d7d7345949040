"""The metrics API of before `context.metrics`: values are kept until `ts.service.emit_metrics` says them."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from ts.metrics.dimension import Dimension
from ts.metrics.metric import Metric


class MetricsStore:
    """Metrics of a batch; `request_ids` by row."""

    def __init__(self, request_ids: Optional[Dict[int, str]], model_name: str) -> None:
        self.store: List[Metric] = []
        self.request_ids = request_ids
        self.model_name = model_name
        self.cache: Dict[str, Metric] = {}

    def add_counter(
        self, name: str, value: Any, idx: Optional[int] = None, dimensions: Optional[List[Dimension]] = None
    ) -> None:
        self._add(name, value, idx, "count", dimensions, "counter")

    def add_time(
        self,
        name: str,
        value: Any,
        idx: Optional[int] = None,
        unit: str = "ms",
        dimensions: Optional[List[Dimension]] = None,
    ) -> None:
        if unit not in ("ms", "s"):
            raise ValueError("the unit for a timed metric should be one of ['ms', 's']")
        self._add(name, value, idx, unit, dimensions)

    def add_size(
        self,
        name: str,
        value: Any,
        idx: Optional[int] = None,
        unit: str = "MB",
        dimensions: Optional[List[Dimension]] = None,
    ) -> None:
        if unit not in ("MB", "kB", "GB", "B"):
            raise ValueError("The unit for size based metric is one of ['MB','kB', 'GB', 'B']")
        self._add(name, value, idx, unit, dimensions)

    def add_percent(
        self, name: str, value: Any, idx: Optional[int] = None, dimensions: Optional[List[Dimension]] = None
    ) -> None:
        self._add(name, value, idx, "percent", dimensions)

    def add_error(self, name: str, value: Any, dimensions: Optional[List[Dimension]] = None) -> None:
        self._add(name, value, None, "", [*(dimensions or []), Dimension("Level", "Error")])

    def add_metric(
        self,
        name: str,
        value: Any,
        idx: Optional[int] = None,
        unit: Optional[str] = None,
        dimensions: Optional[List[Dimension]] = None,
    ) -> None:
        self._add(name, value, idx, unit or "", dimensions)

    def _add(
        self,
        name: str,
        value: Any,
        idx: Optional[int],
        unit: str,
        dimensions: Optional[List[Dimension]],
        method: Optional[str] = None,
    ) -> None:
        labels = list(dimensions or [])
        for own in (Dimension("ModelName", self.model_name), Dimension("Level", "Model")):
            if all(label.name != own.name for label in labels):
                labels.append(own)
        request_id = self._request_id(idx)
        key = "-".join([name, unit, request_id or "", *map(str, labels)])
        if key in self.cache:
            self.cache[key].update(value)
            return
        self.cache[key] = Metric(name, value, unit, labels, request_id, method)
        self.store.append(self.cache[key])

    def _request_id(self, idx: Optional[int]) -> Optional[str]:
        if not self.request_ids:
            return None
        return self.request_ids.get(idx) if idx is not None else ",".join(self.request_ids.values())
