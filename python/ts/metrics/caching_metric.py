"""A metric that is declared once and updated often."""

from __future__ import annotations

import logging
import math
from typing import Any, List, Optional, Sequence

from ts.metrics.dimension import Dimension
from ts.metrics.emission import Emission, Emit, emit_line
from ts.metrics.metric_cache_errors import MetricsCacheValueError
from ts.metrics.metric_type_enum import MetricTypes
from ts.metrics.unit import unit_name

logger = logging.getLogger(__name__)


class CachingMetric:
    """Name, unit, type and the names of the dimensions; each update is one value that leaves."""

    def __init__(
        self,
        metric_name: str,
        unit: str,
        dimension_names: Optional[Sequence[str]] = None,
        metric_type: MetricTypes = MetricTypes.COUNTER,
        emit: Emit = emit_line,
    ) -> None:
        self.metric_name = metric_name
        self.unit = unit_name(unit)
        self.dimension_names: List[str] = list(dimension_names or [])
        self.metric_type = metric_type
        self._emit = emit

    def add_or_update(self, value: Any, dimension_values: Sequence[Any] = (), request_id: str = "") -> None:
        """Emits a value; what cannot be one is logged, and fails no request."""
        try:
            self._emit(self._emission(value, dimension_values, request_id))
        except (TypeError, ValueError) as error:
            logger.error(
                "[METRICS]Failed to update metric with name:%s and dimensions: %s with value: %s: %s",
                self.metric_name,
                ",".join(f"{name}:{text}" for name, text in zip(self.dimension_names, dimension_values)),
                value,
                error,
            )

    def update(self, value: Any, request_id: str = "", dimensions: Sequence[Dimension] = ()) -> None:
        """Emits a value under these dimensions, which are the metric's from now on."""
        self.dimension_names = [dimension.name for dimension in dimensions]
        self.add_or_update(value, [dimension.value for dimension in dimensions], request_id)

    def _emission(self, value: Any, dimension_values: Sequence[Any], request_id: str) -> Emission:
        if len(dimension_values) != len(self.dimension_names):
            expected = ", ".join(self.dimension_names)
            raise MetricsCacheValueError(f"it has the dimensions [{expected}], not {len(dimension_values)} of them")
        number = float(value)
        if not math.isfinite(number):
            raise MetricsCacheValueError("the value is not finite")
        if number < 0 and self.metric_type is MetricTypes.COUNTER:
            raise MetricsCacheValueError("a counter cannot fall")
        dimensions = list(zip(self.dimension_names, map(str, dimension_values)))
        return Emission(self.metric_name, self.unit, number, dimensions, self.metric_type, request_id)
