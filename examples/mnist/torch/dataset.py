"""The data set that the step `data` has written, as PyTorch takes it."""

from __future__ import annotations

import json
import os
from typing import Tuple

import numpy
import torch
from torch import Tensor


def read_split(folder: str, split: str) -> Tuple[Tensor, Tensor]:
    """The images of a split, bytes `[n, 1, 28, 28]`, and its labels `[n]`."""
    with open(os.path.join(folder, "dataset.json"), encoding="utf-8") as file:
        shards = json.load(file)["splits"][split]

    def read(kind: str) -> "numpy.ndarray":
        return numpy.concatenate([numpy.load(os.path.join(folder, shard[kind])) for shard in shards])

    return torch.from_numpy(read("images"))[:, None], torch.from_numpy(read("labels").astype("int64"))


def scaled(images: Tensor) -> Tensor:
    """Bytes as numbers from 0 to 1."""
    return images.float() / 255
