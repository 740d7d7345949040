"""The built-in handler `image_segmenter`: which class each pixel belongs to."""

from __future__ import annotations

from typing import Any, Dict, List

from ts.torch_handler.imagenet import imagenet_processing
from ts.torch_handler.vision_handler import VisionHandler


class ImageSegmenter(VisionHandler):
    """Answers each picture with `[height][width][2]`: the likeliest class of the pixel (a float), and its probability."""

    image_processing = imagenet_processing("image_segmenter")

    def postprocess(self, data: Dict[str, Any]) -> List[Any]:
        """From `data["out"]`, scores `[rows, classes, height, width]`."""
        import torch

        best, classes = data["out"].softmax(dim=1).max(dim=1)
        return torch.stack([classes.to(best.dtype), best], dim=3).tolist()
