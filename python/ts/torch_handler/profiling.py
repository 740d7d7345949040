"""ENABLE_TORCH_PROFILER: the stages of a handler under torch's profiler."""

from __future__ import annotations

import logging
import os
from typing import Any, Dict, List, Tuple

from ts.torch_handler.requirement import require

logger = logging.getLogger(__name__)

TRACES = "/tmp/pytorch_profiler"


def run_profiled(handler: Any, data: List[Dict[str, Any]]) -> Tuple[Any, Any]:
    """The handler's output for a batch, and the profile. Traces lie in `/tmp/pytorch_profiler/<model>` unless the handler's
    `profiler_args` say otherwise."""
    torch = require("torch", "ENABLE_TORCH_PROFILER")
    record = torch.profiler.record_function
    with torch.profiler.profile(**_arguments(handler, torch)) as profile:
        with record("preprocess"):
            prepared = handler.preprocess(data)
        if handler._is_explain():
            with record("explain"):
                output = handler.explain_handle(prepared, data)
        else:
            with record("inference"):
                output = handler.inference(prepared)
            with record("postprocess"):
                output = handler.postprocess(output)
    logger.info(profile.key_averages().table(sort_by="cpu_time_total", row_limit=10))
    return output, profile


def _arguments(handler: Any, torch: Any) -> Dict[str, Any]:
    arguments: Dict[str, Any] = handler.profiler_args
    if not arguments:
        kinds = torch.profiler.ProfilerActivity
        arguments.update(activities=[kinds.CPU, kinds.CUDA], record_shapes=True)
    if "on_trace_ready" not in arguments:
        manifest = handler.manifest or getattr(handler.context, "manifest", None) or {}
        folder = os.path.join(TRACES, manifest.get("model", {}).get("modelName", ""))
        arguments["on_trace_ready"] = torch.profiler.tensorboard_trace_handler(folder)
        logger.info("Saving chrome trace to : %s", folder)
    return arguments
