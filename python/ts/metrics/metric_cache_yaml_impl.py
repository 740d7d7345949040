"""`context.metrics`, with what a metrics file declares for models."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional

from ts.metrics.emission import Emit, emit_line
from ts.metrics.metric_cache_abstract import MetricCacheAbstract
from ts.metrics.metric_cache_errors import (
    GeneralMetricsCacheError,
    MetricsCacheIOError,
    MetricsCacheKeyError,
    MetricsCachePyYamlError,
    MetricsCacheTypeError,
    MetricsCacheValueError,
)
from ts.metrics.metric_type_enum import MetricTypes

# `model_metrics` as TorchServe's own file has it.
BUILT_IN: List[Dict[str, Any]] = [
    {"name": "HandlerTime", "type": "gauge", "unit": "ms", "dimensions": ["ModelName", "Level"]},
    {"name": "PredictionTime", "type": "gauge", "unit": "ms", "dimensions": ["ModelName", "Level"]},
]


class MetricsCacheYamlImpl(MetricCacheAbstract):
    """Knows the metrics that are defined for models from the start: those that the server has read, or, for users' own tests,
    those of a YAML file once `initialize_cache` is called."""

    def __init__(
        self,
        config_file_path: Optional[str] = None,
        definitions: Optional[Iterable[Mapping[str, Any]]] = None,
        model_name: Optional[str] = None,
        emit: Emit = emit_line,
    ) -> None:
        super().__init__(model_name, emit)
        self.config_file_path = config_file_path
        if config_file_path is not None:
            self._parsed_file = _parsed(config_file_path)
            return
        for metric in BUILT_IN if definitions is None else definitions:
            self._declare(metric["type"], metric)

    def initialize_cache(self) -> None:
        """Declares what the section `model_metrics` of the file has."""
        if self.config_file_path is None:
            return
        if "model_metrics" not in self._parsed_file:
            raise MetricsCacheKeyError("'model_metrics' key not found in yaml file")
        section = self._parsed_file["model_metrics"]
        if not section:
            raise MetricsCacheValueError("Missing `model_metrics` specification")
        for kind, metrics in section.items():
            for metric in metrics:
                self._declare(kind, metric)

    def _declare(self, kind: str, metric: Mapping[str, Any]) -> None:
        try:
            metric_type = MetricTypes(kind)
        except ValueError as error:
            raise MetricsCacheKeyError(f"Invalid metric type: {error}") from None
        try:
            self.add_metric_to_cache(metric["name"], metric["unit"], metric["dimensions"], metric_type)
        except KeyError as error:
            raise MetricsCacheKeyError(f"Key not found in cache spec: {error}") from None


def _parsed(path: Any) -> Dict[str, Any]:
    if not isinstance(path, str) or not path:
        raise MetricsCacheTypeError("Config file not initialized")
    try:
        import yaml
    except ImportError:
        text = f"{path} cannot be read: this Python has no PyYAML (pip install pyyaml)."
        raise GeneralMetricsCacheError(text) from None
    try:
        with open(path, encoding="utf-8") as file:
            parsed = yaml.safe_load(file)
    except OSError as error:
        raise MetricsCacheIOError(f"Error reading file {path}: {error}") from None
    except yaml.YAMLError as error:
        raise MetricsCachePyYamlError(f"Error parsing file {path}: {error}") from None
    if not isinstance(parsed, dict):
        raise GeneralMetricsCacheError(f"General error found in file {path}: it is no mapping")
    return parsed
