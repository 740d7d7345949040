"""One value of the older metrics API."""

from __future__ import annotations

import socket
import time
from typing import Any, Dict, List, Optional

from ts.metrics.dimension import Dimension
from ts.metrics.unit import unit_name


class Metric:
    """As text, the line that the server reads after `[METRICS]`."""

    def __init__(
        self,
        name: str,
        value: Any,
        unit: str,
        dimensions: List[Dimension],
        request_id: Optional[str] = None,
        metric_method: Optional[str] = None,
    ) -> None:
        self.name = name
        self.unit = unit_name(unit)
        self.metric_method = metric_method
        self.value = value
        self.dimensions = dimensions
        self.request_id = request_id

    def update(self, value: Any) -> None:
        """Adds to a counter; replaces another value."""
        self.value = self.value + value if self.metric_method == "counter" else value

    def reset(self) -> None:
        self.value = 0

    def to_dict(self) -> Dict[str, Any]:
        return {
            "MetricName": self.name,
            "Value": self.value,
            "Unit": self.unit,
            "Dimensions": self.dimensions,
            "Timestamp": int(time.time()),
            "HostName": socket.gethostname(),
            "RequestId": self.request_id,
        }

    def __str__(self) -> str:
        labels = ",".join(map(str, self.dimensions))
        request = f",{self.request_id}" if self.request_id else ""
        kind = "COUNTER" if self.metric_method == "counter" else "GAUGE"
        place = f"#hostname:{socket.gethostname()},{int(time.time())}{request}"
        return f"{self.name}.{self.unit}:{self.value}|#{labels}|#type:{kind}|{place}"
