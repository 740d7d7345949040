"""Pictures as networks of torchvision were trained on them."""

from __future__ import annotations

from typing import Any

from ts.torch_handler.requirement import require

# Shorter side, then the square cut out of its middle (pixels); mean and deviation of ImageNet's channels.
SIDE, SQUARE = 256, 224
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def imagenet_processing(wanted_by: str) -> Any:
    """From a picture to `[channels, 224, 224]`."""
    transforms = require("torchvision.transforms", wanted_by)
    return transforms.Compose(
        [
            transforms.Resize(SIDE),
            transforms.CenterCrop(SQUARE),
            transforms.ToTensor(),
            transforms.Normalize(mean=MEAN, std=DEVIATION),
        ]
    )
