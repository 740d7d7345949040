"""What calls of the metrics API raise."""


class MetricsCacheKeyError(KeyError):
    """There is no such metric."""


class MetricsCacheTypeError(TypeError):
    """An argument is of another type."""


class MetricsCacheValueError(ValueError):
    """An argument has a value that it cannot have."""


class MetricsCachePyYamlError(Exception):
    """The YAML of the metrics cannot be parsed."""


class MetricsCacheIOError(OSError):
    """The file of the metrics cannot be read."""


class GeneralMetricsCacheError(Exception):
    """Anything else that keeps the metrics from being known."""
