"""The class that most handlers derive from. torch is imported when a model is loaded, so that a handler without it runs."""

from __future__ import annotations

import importlib
import logging
import os
import re
import time
from typing import Any, Dict, List, Optional

from ts.handler_utils.timer import timed
from ts.torch_handler.compilation import asks_for_aot, compiled
from ts.torch_handler.device import choose_place
from ts.torch_handler.profiling import run_profiled
from ts.torch_handler.requirement import can_import, require
from ts.torch_handler.weights import load_weights
from ts.utils.util import list_classes_from_module, load_label_mapping

logger = logging.getLogger(__name__)

NO_WEIGHTS = "No model weights could be loaded"


def _torch_from(*least: int) -> bool:
    """Whether the installed torch is at least this release."""
    if not can_import("torch"):
        return False
    release = re.match(r"(\d+)\.(\d+)\.(\d+)", require("torch", "This handler").__version__)
    return release is not None and tuple(map(int, release.groups())) >= least


# What older handlers import by name; asked of torch only then.
_FLAGS = {
    "PROFILER_AVAILABLE": lambda: _torch_from(1, 8, 1),
    "PT2_AVAILABLE": lambda: _torch_from(2, 0, 0),
    "PT230_AVAILABLE": lambda: _torch_from(2, 3, 0),
    "XLA_AVAILABLE": lambda: can_import("torch_xla"),
    "IPEX_AVAILABLE": lambda: os.environ.get("TS_IPEX_ENABLE") == "true" and can_import("intel_extension_for_pytorch"),
    "ONNX_AVAILABLE": lambda: can_import("onnxruntime"),
}


def __getattr__(name: str) -> bool:
    if name in _FLAGS:
        return _FLAGS[name]()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def setup_ort_session(model_pt_path: str, map_location: Optional[str]) -> Any:
    """An ONNX Runtime session of a model file, on CUDA where `map_location` says so."""
    onnxruntime = require("onnxruntime", f"{NO_WEIGHTS}: {os.path.basename(model_pt_path)}")
    providers = ["CUDAExecutionProvider"] if map_location == "cuda" else []
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    return onnxruntime.InferenceSession(
        model_pt_path, providers=[*providers, "CPUExecutionProvider"], sess_options=options
    )


class BaseHandler:
    """Loads TorchScript, eager, ONNX and AOT models, and takes a batch through preprocess, inference and postprocess."""

    # Subclasses do not always call `__init__`.
    context: Any = None
    model_yaml_config: Any = None

    def __init__(self) -> None:
        self.model: Any = None
        self.mapping: Optional[Dict[str, str]] = None
        self.device: Any = None
        self.initialized = False
        self.context = None
        self.model_pt_path: Optional[str] = None
        self.manifest: Optional[Dict[str, Any]] = None
        self.map_location: Optional[str] = None
        self.explain = False
        self.target = 0
        self.profiler_args: Dict[str, Any] = {}

    def initialize(self, context: Any) -> None:
        """Loads the model that the manifest names, and the names of its classes. Raises RuntimeError where there is none."""
        if hasattr(context, "model_yaml_config"):
            self.model_yaml_config = context.model_yaml_config
        torch = require("torch", "BaseHandler.initialize")
        properties = context.system_properties
        self.map_location, self.device = choose_place(properties.get("gpu_id"), torch)
        self.manifest = context.manifest
        model = (self.manifest or {}).get("model", {})
        model_dir = properties.get("model_dir")
        serialized = model.get("serializedFile")
        self.model_pt_path = os.path.join(model_dir, serialized) if serialized else None
        loaded = self._load_model(model_dir, model.get("modelFile") or "")
        self.model = compiled(loaded, self.model_yaml_config, torch)
        self.mapping = load_label_mapping(os.path.join(model_dir, "index_to_name.json"))
        self.initialized = True

    def _load_model(self, model_dir: str, model_file: str) -> Any:
        path = self.model_pt_path
        if model_file:
            model = self._load_pickled_model(model_dir, model_file, path)
            model.to(self.device)
            model.eval()
            return model
        if path is None:
            raise RuntimeError(f"{NO_WEIGHTS}: the manifest names neither a serializedFile nor a modelFile")
        if path.endswith(".pt"):
            model = self._load_torchscript_model(path)
            model.eval()
            return model
        if path.endswith(".onnx"):
            return setup_ort_session(path, self.map_location)
        if path.endswith(".so") and asks_for_aot(self.model_yaml_config) and _torch_from(2, 3, 0):
            return self._load_torch_export_aot_compile(path)
        raise RuntimeError(f"{NO_WEIGHTS}: {self._why_not(path)}")

    def _why_not(self, path: str) -> str:
        name = os.path.basename(path)
        if path.endswith(".so"):
            return f"{name} takes torch 2.3 and pt2: {{export: {{aot_compile: true}}}} in the model's configuration"
        return f"{name} is no TorchScript (.pt) or ONNX (.onnx) file, and for weights alone the manifest names no modelFile"

    def _load_torch_export_aot_compile(self, model_so_path: str) -> Any:
        import torch

        if self.map_location == "cuda":
            torch.cuda.set_device(self.device)  # What is loaded here knows no device.
        return torch._export.aot_load(model_so_path, self.map_location)  # type: ignore[attr-defined]

    def _load_torchscript_model(self, model_pt_path: str) -> Any:
        import torch

        return torch.jit.load(model_pt_path, map_location=self.device)

    def _load_pickled_model(self, model_dir: str, model_file: str, model_pt_path: Optional[str]) -> Any:
        if not os.path.isfile(os.path.join(model_dir, model_file)):
            raise RuntimeError("Missing the model.py file")
        classes = list_classes_from_module(importlib.import_module(model_file.split(".")[0]))
        if len(classes) != 1:
            raise ValueError(f"Expected only one class as model definition. {classes}")
        model = classes[0]()
        if model_pt_path:
            map_location = None if self.map_location is None else self.device
            model.load_state_dict(load_weights(model_pt_path, map_location))  # type: ignore[attr-defined]
        return model

    @timed
    def preprocess(self, data: List[Any]) -> Any:
        """The rows as one tensor; they must be numbers, as an envelope makes them."""
        import torch

        return torch.as_tensor(data, device=self.device)

    @timed
    def inference(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """The model's output for a tensor."""
        import torch

        with torch.inference_mode():
            return self.model(data.to(self.device), *args, **kwargs)

    @timed
    def postprocess(self, data: Any) -> List[Any]:
        """A tensor as a list."""
        return data.tolist()

    def handle(self, data: List[Dict[str, Any]], context: Any) -> Any:
        """One batch: preprocess, inference and postprocess; or an explanation, or a description."""
        begun = time.perf_counter()
        self.context = context
        output = self._output_of(data)
        context.metrics.add_time("HandlerTime", round((time.perf_counter() - begun) * 1000, 2), None, "ms")
        return output

    def _output_of(self, data: List[Dict[str, Any]]) -> Any:
        if self._is_describe():
            return [self.describe_handle()]
        if os.environ.get("ENABLE_TORCH_PROFILER"):
            return self._infer_with_profiler(data)[0]
        prepared = self.preprocess(data)
        if self._is_explain():
            return self.explain_handle(prepared, data)
        return self.postprocess(self.inference(prepared))

    def _infer_with_profiler(self, data: List[Dict[str, Any]]) -> Any:
        return run_profiled(self, data)

    def explain_handle(self, data_preprocess: Any, raw_data: List[Any]) -> Any:
        """`get_insights`, which a subclass defines, for the first row and the class that its `target` names."""
        logger.info("Calculating Explanations")
        row = raw_data[0]
        inputs, target = (row.get("data") or row.get("body"), row.get("target")) if isinstance(row, dict) else (None, 0)
        if isinstance(target, (bytes, bytearray, str)):  # A form's field.
            target = int(target)
        return self.get_insights(data_preprocess, inputs, target or 0)  # type: ignore[attr-defined]

    def describe_handle(self) -> Any:
        """What `GET /models/<model>?customized=true` shows; a dict, where a subclass has one."""
        return None

    def _is_explain(self) -> bool:
        if self.context and self.context.get_request_header(0, "explain") == "True":
            self.explain = True
            return True
        return False

    def _is_describe(self) -> bool:
        return bool(self.context) and self.context.get_request_header(0, "describe") == "True"

    def get_device(self) -> Any:
        """Where the model is."""
        return self.device
