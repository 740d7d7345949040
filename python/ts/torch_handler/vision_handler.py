"""The class behind the handlers of pictures."""

from __future__ import annotations

import base64
import io
from typing import Any, Dict, List

from ts.handler_utils.timer import timed
from ts.torch_handler.base_handler import BaseHandler
from ts.torch_handler.requirement import require

# How fine the way from a black picture to the given one is cut for an explanation.
STEPS = 15


class VisionHandler(BaseHandler):
    """Makes one tensor of the pictures of a batch by `image_processing`, which a subclass sets: Pillow's picture in, tensor out."""

    image_processing: Any
    _gradients: Any = None

    def initialize(self, context: Any) -> None:
        """Loads the model; lifts Pillow's bound on pixels where the server's settings say so."""
        super().initialize(context)
        if not context.system_properties.get("limit_max_image_pixels"):
            require("PIL.Image", "VisionHandler").MAX_IMAGE_PIXELS = None

    @property
    def ig(self) -> Any:
        """Captum's integrated gradients of the model; Captum is needed for explanations only."""
        if self._gradients is None:
            self._gradients = require("captum.attr", "An explanation").IntegratedGradients(self.model)
        return self._gradients

    @ig.setter
    def ig(self, value: Any) -> None:
        self._gradients = value

    @timed
    def preprocess(self, data: List[Dict[str, Any]]) -> Any:
        """`[rows, …]`, from pictures as bytes or base64 text, and from lists of numbers."""
        import torch

        return torch.stack([self._tensor_of(row.get("data") or row.get("body")) for row in data]).to(self.device)

    def _tensor_of(self, picture: Any) -> Any:
        import torch

        if isinstance(picture, str):
            picture = base64.b64decode(picture)
        if not isinstance(picture, (bytes, bytearray)):
            return torch.FloatTensor(picture)
        image = require("PIL.Image", "VisionHandler").open(io.BytesIO(picture))
        return self.image_processing(image)

    def get_insights(self, tensor_data: Any, _: Any, target: int = 0) -> List[Any]:
        """The share of each number of the input in the score of the class `target`, in the input's shape."""
        return self.ig.attribute(tensor_data, target=target, n_steps=STEPS).tolist()
