"""An ObjectDetector with its own threshold."""
from ts.torch_handler.object_detector import ObjectDetector


class Detector(ObjectDetector):
    threshold = 0.6
