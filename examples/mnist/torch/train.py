"""Step `train` of pipeline.torch.ts: the recipe of steps/train.ts in PyTorch, kept as TorchScript."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time

try:
    import torch
except ImportError:
    sys.exit(f"PyTorch is not there for {sys.executable}. Install it, or name another Python: --set train.python=/usr/bin/python3")

from dataset import read_split, scaled
from network import ArcFace, Embedding
from torch import Tensor
from torch.nn.functional import pad

CLASSES = 10


def shifted(images: Tensor, by: int, generator: torch.Generator) -> Tensor:
    """Each image moved by at most `by` pixels in both directions."""
    rows, _, height, width = images.shape
    padded = pad(images, (by, by, by, by))
    tops = torch.randint(2 * by + 1, (rows, 1), generator=generator) + torch.arange(height)
    lefts = torch.randint(2 * by + 1, (rows, 1), generator=generator) + torch.arange(width)
    return padded[torch.arange(rows)[:, None, None], 0, tops[:, :, None], lefts[:, None, :]][:, None]


def rate_at(step: int, steps: int, peak: float, warmup: int) -> float:
    """Linear to the peak, from there a cosine down to zero."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup))) / 2


def train(dataset: str, recipe: dict) -> Embedding:
    torch.manual_seed(recipe["seed"])
    generator = torch.Generator().manual_seed(recipe["seed"])
    images, labels = read_split(dataset, "train")
    network = Embedding(recipe["filters"], recipe["dimension"])
    loss = ArcFace(CLASSES, recipe["dimension"], recipe["scale"], recipe["margin"])
    optimizer = torch.optim.Adam([*network.parameters(), *loss.parameters()])
    batch = recipe["batch"]
    per_epoch = len(images) // batch
    steps = per_epoch * recipe["epochs"]
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(len(images), generator=generator)
        rows = order[(step % per_epoch) * batch :][:batch]
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps, recipe["rate"], recipe["warmup"])
        optimizer.zero_grad()
        error = loss(network(scaled(shifted(images[rows], recipe["shift"], generator))), labels[rows])
        error.backward()
        optimizer.step()
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step + 1} of {steps}: loss {error.item():.2f}", flush=True)
    return network.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="the folder that holds dataset.json")
    parser.add_argument("model", help="the folder to be made: model.pt and recipe.json")
    parser.add_argument("recipe", help="parameters as JSON")
    options = parser.parse_args()
    recipe = json.loads(options.recipe)
    begun = time.perf_counter()
    network = train(options.dataset, recipe)
    os.makedirs(options.model)
    torch.jit.script(network).save(os.path.join(options.model, "model.pt"))
    with open(os.path.join(options.model, "recipe.json"), "w", encoding="utf-8") as file:
        json.dump(recipe, file, indent=2)
    print(f"trained in {time.perf_counter() - begun:.0f} s with {torch.get_num_threads()} threads", flush=True)


if __name__ == "__main__":
    main()
