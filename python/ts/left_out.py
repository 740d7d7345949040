"""Modules that TorchServe has and Marina has not: importing one says so by name, and what to do instead."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from typing import Any, Dict, Optional, Sequence

_INSTALLED = "set installed_ts=true (or installedTs: true in the model's configuration) and install torchserve"
_LLM = f"write a handler with the library's own engine and send_intermediate_predict_response, or {_INSTALLED}"
_SPREAD = f"load the model with the library itself in your handler's initialize, or {_INSTALLED}"
_DALI = f"decode pictures in preprocess with torchvision or Pillow, or {_INSTALLED}"
_SERVER = "it belongs to TorchServe's own server; Marina's runs your handler without it"
_START = "start the server with the command torchserve, and register models over HTTP"

# Module (with all below it) to the cure.
CURES: Dict[str, str] = {
    "ts.torch_handler.dali_handler": _DALI,
    "ts.torch_handler.dali_image_classifier": _DALI,
    "ts.torch_handler.vllm_handler": _LLM,
    "ts.torch_handler.trt_llm_handler": _LLM,
    "ts.torch_handler.distributed": _SPREAD,
    "ts.handler_utils.distributed": _SPREAD,
    "ts.handler_utils.preprocess": _DALI,
    "ts.utils.hf_utils": "call huggingface_hub.snapshot_download",
    "ts.utils.serialization": _SERVER,
    "ts.torch_handler.unit_tests.test_utils.model_dir": "copy the files with shutil",
    "ts.launcher": _START,
    "ts.llm_launcher": _START,
    "ts.model_server": _START,
    "ts.arg_parser": _START,
    "ts.model_service_worker": _SERVER,
    "ts.async_service": _SERVER,
}


class LeftOutFinder:
    """Stands last on `sys.meta_path`: what gets here was found nowhere."""

    @staticmethod
    def find_spec(name: str, path: Optional[Sequence[str]] = None, target: Any = None) -> Optional[ModuleSpec]:
        """None for all other names. Raises ImportError for one that is left out."""
        cure = CURES.get(name)
        if cure is not None:
            raise ImportError(f"{name} is left out of Marina's own ts: {cure}.", name=name)
        return None


def announce() -> None:
    """Lets imports of what is left out explain themselves; once for each process."""
    if LeftOutFinder not in sys.meta_path:
        sys.meta_path.append(LeftOutFinder)
