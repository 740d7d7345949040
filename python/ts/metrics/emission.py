"""How a value leaves: as a line on stdout that the server reads, unless the worker has a better way."""

from __future__ import annotations

import logging
import socket
import time
from typing import Callable, NamedTuple, Sequence, Tuple

from ts.metrics.metric_type_enum import MetricTypes
from ts.metrics.unit import unit_name


class Emission(NamedTuple):
    """One value of a metric. `request_id` may be several, with commas between them."""

    name: str
    unit: str
    value: float
    dimensions: Sequence[Tuple[str, str]]
    type: MetricTypes
    request_id: str


Emit = Callable[[Emission], None]


def emit_line(emission: Emission) -> None:
    """Logs the line of TorchServe's grammar."""
    name, unit, value, dimensions, kind, request_id = emission
    labels = ",".join(f"{label}:{text}" for label, text in dimensions)
    place = f"#hostname:{socket.gethostname()},{int(time.time())}{',' + request_id if request_id else ''}"
    logging.info("[METRICS]%s.%s:%s|#%s|#type:%s|%s", name, unit_name(unit), value, labels, kind.name, place)
