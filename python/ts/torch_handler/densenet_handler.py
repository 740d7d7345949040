"""The built-in handler `densenet_handler`: tensors in, a tensor out. What torch.save wrote is taken from requests as plain
tensors only; TorchServe unpickles it, and so runs what a client sends."""

from __future__ import annotations

import io
import os
from typing import Any, Dict, List

from ts.torch_handler.base_handler import BaseHandler
from ts.torch_handler.weights import load_plain
from ts.utils.util import PredictionException


class DenseNetHandler(BaseHandler):
    """Joins the tensors of a batch, runs the model, and answers with one tensor for all. Raises RuntimeError at load
    where the model is missing."""

    def initialize(self, context: Any) -> None:
        model = (context.manifest or {}).get("model", {})
        path = os.path.join(context.system_properties.get("model_dir"), model.get("serializedFile") or "")
        if not os.path.isfile(path):
            raise RuntimeError("Missing the model.pt file")
        super().initialize(context)

    def preprocess(self, data: List[Dict[str, Any]]) -> Any:
        """`[rows of all requests, …]`. Raises PredictionException (400) for what is no saved tensor."""
        import torch

        return torch.cat([_tensor_of(row.get("data") or row.get("body") or b"") for row in data]).to(self.device)

    def postprocess(self, data: Any) -> List[Any]:
        return [data]


def _tensor_of(body: Any) -> Any:
    import torch

    try:
        tensor = load_plain(io.BytesIO(body))
    except Exception:  # Junk confuses torch's reader in many ways.
        tensor = None
    if not isinstance(tensor, torch.Tensor):
        raise PredictionException("The body must be one tensor, as torch.save writes it.", 400)
    return tensor
