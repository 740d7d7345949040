"""The network of network.ts in PyTorch, with ArcFace (Deng et al. 2019) for its training."""

from __future__ import annotations

import math
from typing import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Embedding(nn.Module):
    """Images `[n, 1, 28, 28]`, 0 to 1, light ink on dark ground, to points `[n, dimension]` on the unit sphere."""

    def __init__(self, filters: Sequence[int], dimension: int) -> None:
        super().__init__()
        first, second, third = filters
        self.layers = nn.Sequential(
            nn.Conv2d(1, first, 3, bias=False),
            nn.MaxPool2d(2),  # 13×13
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, bias=False),
            nn.BatchNorm2d(second),
            nn.ReLU(),  # 11×11
            nn.Conv2d(second, third, 3, bias=False),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(third),
            nn.ReLU(),  # 4×4
            nn.Flatten(),
            nn.Linear(third * 4 * 4, dimension, bias=False),
            nn.BatchNorm1d(dimension),
        )

    def forward(self, images: Tensor) -> Tensor:
        return functional.normalize(self.layers(images))


class ArcFace(nn.Module):
    """The loss: each class is a direction, and an image has to be nearer to its own by `margin` (radians)."""

    def __init__(self, classes: int, dimension: int, scale: float, margin: float) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.empty(classes, dimension))
        nn.init.xavier_normal_(self.directions)
        self.scale = scale
        self.margin = margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        cosine = functional.linear(embeddings, functional.normalize(self.directions))
        own = cosine.gather(1, labels[:, None])
        sine = (1 - own.square()).clamp(min=1e-9).sqrt()
        moved = own * math.cos(self.margin) - sine * math.sin(self.margin)
        # Past π − margin the angle would turn back; there the margin is taken off the cosine instead.
        linear = own - self.margin * math.sin(self.margin)
        target = torch.where(own > math.cos(math.pi - self.margin), moved, linear)
        return functional.cross_entropy(self.scale * cosine.scatter(1, labels[:, None], target), labels)
