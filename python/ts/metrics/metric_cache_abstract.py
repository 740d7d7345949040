"""The calls of `context.metrics`."""

from __future__ import annotations

import logging
import uuid
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ts.metrics.caching_metric import CachingMetric
from ts.metrics.dimension import Dimension
from ts.metrics.emission import Emit, emit_line
from ts.metrics.metric_cache_errors import MetricsCacheKeyError, MetricsCacheTypeError, MetricsCacheValueError
from ts.metrics.metric_type_enum import MetricTypes

logger = logging.getLogger(__name__)


class MetricCacheAbstract:
    """Metrics by type and name. `request_ids` are those of the batch in hand, by row; None while the model loads."""

    def __init__(self, model_name: Optional[str] = None, emit: Emit = emit_line) -> None:
        self.model_name = model_name
        self.request_ids: Optional[Dict[int, str]] = None
        self._emit = emit
        self._metrics: Dict[Tuple[MetricTypes, str], CachingMetric] = {}

    @property
    def cache(self) -> Dict[MetricTypes, Dict[str, CachingMetric]]:
        """All declared metrics, by type and name."""
        by_type: Dict[MetricTypes, Dict[str, CachingMetric]] = {}
        for (metric_type, name), metric in self._metrics.items():
            by_type.setdefault(metric_type, {})[name] = metric
        return by_type

    def cache_keys(self) -> List[str]:
        """`type:name` of each declared metric."""
        return [f"{metric_type.value}:{name}" for metric_type, name in self._metrics]

    def set_request_ids(self, request_ids: Optional[Dict[int, str]]) -> None:
        """The requests in hand, by row."""
        self.request_ids = request_ids

    def add_metric_to_cache(
        self,
        metric_name: str,
        unit: str,
        dimension_names: Sequence[str] = (),
        metric_type: MetricTypes = MetricTypes.COUNTER,
    ) -> CachingMetric:
        """Declares a metric, without a value."""
        _check(metric_name, str, "`metric_name` must be a str")
        _check(unit, str, "`unit` must be a str")
        _check_type(metric_type)
        if dimension_names:
            _check(dimension_names, (list, tuple), "`dimension_names` should be a list of dimension name strings")
        if (metric_type, metric_name) in self._metrics:
            logger.warning("Overriding existing %s metric %s", metric_type.value, metric_name)
        metric = CachingMetric(metric_name, unit, dimension_names, metric_type, self._emit)
        self._metrics[metric_type, metric_name] = metric
        return metric

    def get_metric(self, metric_name: str, metric_type: MetricTypes = MetricTypes.COUNTER) -> CachingMetric:
        """A declared metric. Raises MetricsCacheKeyError."""
        _check_type(metric_type)
        try:
            return self._metrics[metric_type, metric_name]
        except KeyError:
            text = f"There is no {metric_type.value} metric named {metric_name}"
            raise MetricsCacheKeyError(text) from None

    def add_metric(
        self,
        name: str,
        value: Any,
        unit: str,
        idx: Optional[int] = None,
        dimensions: Optional[List[Dimension]] = None,
        metric_type: MetricTypes = MetricTypes.COUNTER,
    ) -> None:
        """Emits a value under these dimensions, the model's name and `Level:Model`; declares the metric at its first value."""
        _check(unit, str, "`unit` must be a str")
        own = [Dimension("ModelName", self.model_name), Dimension("Level", "Model")]
        self._add(name, value, unit, self._request_id(idx), _with(dimensions, own), metric_type)

    def add_counter(
        self, name: str, value: Any, idx: Optional[int] = None, dimensions: Optional[List[Dimension]] = None
    ) -> None:
        """Adds to a counter."""
        self.add_metric(name, value, "count", idx, dimensions, MetricTypes.COUNTER)

    def add_time(
        self,
        name: str,
        value: Any,
        idx: Optional[int] = None,
        unit: str = "ms",
        dimensions: Optional[List[Dimension]] = None,
        metric_type: MetricTypes = MetricTypes.GAUGE,
    ) -> None:
        """A time in `ms` or `s`."""
        if unit not in ("ms", "s"):
            raise MetricsCacheValueError("the unit for a timed metric should be one of ['ms', 's']")
        self.add_metric(name, value, unit, idx, dimensions, metric_type)

    def add_size(
        self,
        name: str,
        value: Any,
        idx: Optional[int] = None,
        unit: str = "MB",
        dimensions: Optional[List[Dimension]] = None,
        metric_type: MetricTypes = MetricTypes.GAUGE,
    ) -> None:
        """A size in `MB`, `kB`, `GB` or `B`."""
        if unit not in ("MB", "kB", "GB", "B"):
            raise MetricsCacheValueError("The unit for size based metric is one of ['MB','kB', 'GB', 'B']")
        self.add_metric(name, value, unit, idx, dimensions, metric_type)

    def add_percent(
        self,
        name: str,
        value: Any,
        idx: Optional[int] = None,
        dimensions: Optional[List[Dimension]] = None,
        metric_type: MetricTypes = MetricTypes.GAUGE,
    ) -> None:
        """A share in per cent."""
        self.add_metric(name, value, "percent", idx, dimensions, metric_type)

    def add_error(self, name: str, value: Any, dimensions: Optional[List[Dimension]] = None) -> None:
        """Counts errors, under `Level:Error`. A text is logged and counts as one."""
        if isinstance(value, str):
            logger.error("%s: %s", name, value)
            value = 1
        own = [Dimension("Level", "Error")]
        self._add(name, value, "", "", _with(dimensions, own), MetricTypes.COUNTER)

    def _add(
        self,
        name: str,
        value: Any,
        unit: str,
        request_id: str,
        dimensions: List[Dimension],
        metric_type: MetricTypes,
    ) -> None:
        _check_type(metric_type)
        metric = self._metrics.get((metric_type, name))
        if metric is None:
            names = [dimension.name for dimension in dimensions]
            metric = self.add_metric_to_cache(name, unit, names, metric_type)
        metric.add_or_update(value, [dimension.value for dimension in dimensions], request_id)

    def _request_id(self, idx: Optional[int]) -> str:
        if not self.request_ids:
            return str(uuid.uuid4())
        if idx is not None and idx in self.request_ids:
            return self.request_ids[idx]
        return ",".join(self.request_ids.values())


def _with(dimensions: Optional[Sequence[Dimension]], own: Sequence[Dimension]) -> List[Dimension]:
    """The handler's dimensions, and after them those of ours that it has not given."""
    given = list(dimensions or [])
    names = {dimension.name for dimension in given}
    return given + [dimension for dimension in own if dimension.name not in names]


def _check_type(metric_type: Any) -> None:
    _check(metric_type, MetricTypes, "`metric_type` must be a MetricTypes enum")


def _check(value: Any, kind: Any, text: str) -> None:
    if not isinstance(value, kind):
        raise MetricsCacheTypeError(text)
