"""The built-in handler `image_classifier`: what a picture shows, with probabilities."""

from __future__ import annotations

from typing import Any, Dict, List

from ts.handler_utils.timer import timed
from ts.torch_handler.imagenet import imagenet_processing
from ts.torch_handler.vision_handler import VisionHandler
from ts.utils.util import map_class_to_label


class ImageClassifier(VisionHandler):
    """Answers each picture with the `topk` likeliest classes and their probabilities, likeliest first."""

    topk = 5
    image_processing = imagenet_processing("image_classifier")

    def set_max_result_classes(self, topk: int) -> None:
        """How many classes are answered."""
        self.topk = topk

    def get_max_result_classes(self) -> int:
        """How many classes are answered."""
        return self.topk

    @timed
    def postprocess(self, data: Any) -> List[Dict[str, float]]:
        """From scores `[rows, classes]`. Raises RuntimeError where there are fewer classes than `topk`."""
        probabilities, classes = data.softmax(dim=1).topk(self.topk, dim=1)
        return map_class_to_label(probabilities.tolist(), self.mapping, classes.tolist())
