"""Names that older handlers import from here."""

from __future__ import annotations

import logging
from typing import Any, Iterable, Optional

from marina_worker.manifest import read_config
from ts.context import Context
from ts.utils.util import PredictionException
from ts.version import __version__

__all__ = ["PREDICTION_METRIC", "PredictionException", "Service", "emit_metrics"]

PREDICTION_METRIC = "PredictionTime"


class Service:
    """A handler with its context, as users' tests make it. Batches reach it in the worker's own way, not through here."""

    def __init__(
        self,
        model_name: str,
        model_dir: str,
        manifest: Any,
        entry_point: Any,
        gpu: Optional[int],
        batch_size: int,
        limit_max_image_pixels: bool = True,
        metrics_cache: Any = None,
    ) -> None:
        self._entry_point = entry_point
        self._context = Context(
            model_name=model_name,
            model_dir=model_dir,
            manifest=manifest,
            batch_size=batch_size,
            gpu=gpu,
            mms_version=__version__,
            limit_max_image_pixels=limit_max_image_pixels,
            metrics=metrics_cache,
            model_yaml_config=read_config(model_dir, manifest),
        )

    @property
    def context(self) -> Context:
        """The handler's context."""
        return self._context

    def set_cl_socket(self, cl_socket: Any) -> None:
        """Where pieces of streamed answers go."""
        self._context.cl_socket = cl_socket


def emit_metrics(metrics: Iterable[Any]) -> None:
    """Says each metric of a MetricsStore as a line that the server reads."""
    for metric in metrics or []:
        logging.info("[METRICS]%s", metric)
