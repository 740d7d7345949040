"""A context for users' unit tests of their handlers."""

from __future__ import annotations

import os
import uuid
from typing import Any, Dict, Optional

from ts.metrics.metrics_store import MetricsStore
from ts.utils.util import get_yaml_config


class MockContext:
    """As a handler's `initialize` and `handle` see it, for one model in a folder."""

    def __init__(
        self,
        model_pt_file: str = "model.pt",
        model_dir: str = "ts/torch_handler/unit_tests/models/tmp",
        model_file: Optional[str] = "model.py",
        gpu_id: str = "0",
        model_name: str = "mnist",
        model_yaml_config_file: Optional[str] = None,
    ) -> None:
        self.manifest: Dict[str, Any] = {"model": {"serializedFile": model_pt_file}}
        if model_file:
            self.manifest["model"]["modelFile"] = model_file
        self.system_properties: Dict[str, Any] = {"model_dir": model_dir}
        if _has_cuda():
            self.system_properties["gpu_id"] = gpu_id
        self.explain = False
        self.metrics = MetricsStore({0: str(uuid.uuid4())}, model_name)
        self.model_yaml_config: Any = {}
        if model_yaml_config_file is not None:
            self.model_yaml_config = get_yaml_config(os.path.join(model_dir, model_yaml_config_file))

    def get_request_header(self, idx: Any, exp: Any) -> bool:
        """True where an explanation is asked for."""
        return bool(idx and exp and self.explain)


def _has_cuda() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())
