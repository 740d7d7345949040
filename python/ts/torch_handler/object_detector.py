"""The built-in handler `object_detector`: which things are where in a picture."""

from __future__ import annotations

from typing import Any, Dict, List

from ts.torch_handler.requirement import require
from ts.torch_handler.vision_handler import VisionHandler
from ts.utils.util import map_class_to_label


class ObjectDetector(VisionHandler):
    """Answers each picture with its detections of at least `threshold`: `{label: [x1, y1, x2, y2], "score": …}`, in the
    model's order. Pictures of one batch must have one size."""

    image_processing = require("torchvision.transforms", "object_detector").ToTensor()
    threshold = 0.5

    def postprocess(self, data: List[Dict[str, Any]]) -> List[List[Dict[str, Any]]]:
        """From the model's `boxes` `[n, 4]`, `labels` `[n]` and `scores` `[n]` of each picture."""
        return [self._detections(row) for row in data]

    def _detections(self, row: Dict[str, Any]) -> List[Dict[str, Any]]:
        kept = row["scores"] >= self.threshold
        boxes, labels, scores = (row[key][kept].tolist() for key in ("boxes", "labels", "scores"))
        found: List[Dict[str, Any]] = []
        for box, label, score in zip(boxes, labels, scores):
            named: Dict[str, Any] = dict(map_class_to_label([[box]], self.mapping, [[label]])[0])
            named["score"] = score
            found.append(named)
        return found
