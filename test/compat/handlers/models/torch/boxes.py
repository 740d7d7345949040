"""A detector that finds the same boxes in every picture."""
import torch
from torch import nn


class Boxes(nn.Module):
    def forward(self, pictures):
        return [
            {
                "boxes": torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.5, 6.5, 7.5, 8.5], [0.0, 0.0, 1.0, 1.0]]),
                "labels": torch.tensor([2, 1, 2]),
                "scores": torch.tensor([0.875, 0.625, 0.25]),
            }
            for _ in pictures
        ]
