"""Base classes of MXNet Model Server's time. No archive of TorchServe describes the signature that they were made for, so
they are here to be imported and derived from."""

from __future__ import annotations

from typing import Any, Dict, List


class ModelService:
    """A service that defines `inference`, and is called as a handler is."""

    def __init__(self, model_name: str, model_dir: str, manifest: Dict[str, Any], gpu: Any = None) -> None:
        self.model_name, self.model_dir, self.manifest, self.gpu = model_name, model_dir, manifest, gpu
        self.context: Any = None

    def initialize(self, context: Any) -> None:
        """Keeps the context."""
        self.context = context

    def inference(self, data: Any) -> Any:
        """The results for a batch."""
        raise NotImplementedError

    def ping(self, *_: Any, **__: Any) -> None:
        """Nothing to say."""

    def handle(self, data: List[Any], context: Any) -> Any:
        """One batch."""
        self.context = context
        return self.inference(data)


class SingleNodeService(ModelService):
    """Takes a batch through three stages of a subclass."""

    def inference(self, data: Any) -> Any:
        return self._postprocess(self._inference(self._preprocess(data)))

    def _preprocess(self, data: Any) -> Any:
        return data

    def _inference(self, data: Any) -> Any:
        raise NotImplementedError

    def _postprocess(self, data: Any) -> Any:
        return data
