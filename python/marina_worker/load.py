"""Loads what the server names: the manifest, the model's YAML, the context, and the handler with its `initialize`."""

from __future__ import annotations

import logging
import os
from typing import Any, Dict, List, NamedTuple, Optional, Set

from marina_worker import messages
from marina_worker.batch import Model
from marina_worker.handler import Entry, cause_of, load_entry, open_import_path
from marina_worker.inbox import Inbox
from marina_worker.installed import use_installed_ts
from marina_worker.link import Link
from marina_worker.manifest import model_of, read_config, read_manifest
from marina_worker.messages import Load
from marina_worker.replies import trace_of
from ts.context import Context
from ts.metrics.emission import Emission
from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl
from ts.metrics.unit import unit_name
from ts.version import __version__

logger = logging.getLogger("ts")


class Origin(NamedTuple):
    """How the interpreter came up: where user code imports from, and the modules that were there already."""

    path: List[str]
    modules: Set[str]


def load_model(load: Load, origin: Origin, link: Link, inbox: Inbox) -> Optional[Model]:
    """The loaded handler; None after `load-failed` has been said. SystemExit of the user's code comes through."""
    found: List[Model] = []
    failed: List[Exception] = []

    def work() -> None:
        try:
            found.append(open_model(load, origin, link))
        except Exception as error:
            failed.append(error)

    inbox.while_busy(work)
    if failed:
        link.send(messages.message("load-failed", **failure_of(failed[0])))
    return found[0] if found else None


def open_model(load: Load, origin: Origin, link: Link) -> Model:
    """Imports and initialises the handler. Raises whatever the user's code raises."""
    open_import_path(load.model_dir, origin.path, origin.modules)
    if load.installed_ts:
        use_installed_ts()
    context = _context_of(load, link)
    return _model_of(load, load_entry(load.handler, context, load.envelope), context)


def _model_of(load: Load, entry: Entry, context: Context) -> Model:
    decode = os.environ.get("TS_DECODE_INPUT_REQUEST", "true") == "true"
    return Model(entry, context, load.model, load.model_dir, decode, load.retry_items)


def _context_of(load: Load, link: Link) -> Context:
    manifest = read_manifest(load.model_dir)
    return Context(
        model_name=load.model,
        model_dir=load.model_dir,
        manifest=manifest,
        batch_size=load.batch_size,
        gpu=_gpu_of(load.device),
        mms_version=__version__,
        limit_max_image_pixels=load.limit_max_image_pixels,
        metrics=MetricsCacheYamlImpl(None, load.metrics, load.model, _emitter(link)),
        model_yaml_config=_config_of(load, manifest),
    )


def _config_of(load: Load, manifest: Optional[Dict[str, Any]]) -> Any:
    try:
        return read_config(load.model_dir, manifest)
    except ImportError:
        # The server's reading is the same but for what JSON has not: dates, keys that are no text.
        if load.model_config is not messages.UNREAD:
            return load.model_config
        name = model_of(manifest)["configFile"]
        text = f"The model's configuration {name} cannot be read: this Python has no PyYAML (pip install pyyaml)."
        raise RuntimeError(text) from None


def _gpu_of(device: str) -> Optional[int]:
    """The number in `cuda:0`; None for `cpu`."""
    number = device.partition(":")[2]
    return int(number) if number else None


def _emitter(link: Link) -> Any:
    def emit(emission: Emission) -> None:
        name, unit, value, dimensions, kind, request_id = emission
        fields = {"name": name, "type": kind.value, "value": value, "unit": unit_name(unit)}
        frame = messages.message("metric", **fields, labels=dict(dimensions), id=request_id)
        # It leaves with the batch's results: a write of its own would cost more than the metric.
        link.queue(frame)

    return emit


def failure_of(error: Exception) -> Dict[str, Any]:
    """The fields of `load-failed`: the reason is for describe and for who registered the model. TorchServe's words go to the
    log with the whole trace."""
    trace = trace_of(error)
    is_cuda = isinstance(error, RuntimeError) and "CUDA" in str(error)
    out_of_memory = isinstance(error, MemoryError) or is_cuda
    logger.error("%s\n%s", "System out of memory" if out_of_memory else "Backend worker process died.", trace)
    cause = cause_of(error)
    return {"message": f"{type(cause).__name__}: {cause}", "trace": trace, "outOfMemory": out_of_memory}
