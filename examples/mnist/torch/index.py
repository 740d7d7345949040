"""Step `index` of pipeline.torch.ts: the embeddings of the index's images as a faiss file with its labels, and how many of
the test images the nearest of them names rightly."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import List

try:
    import faiss
    import torch
except ImportError as error:
    sys.exit(f"{error} ({sys.executable}). Install torch and faiss, or name another Python: --set index.python=/usr/bin/python3")

from dataset import read_split, scaled
from torch import Tensor

BATCH = 250


def embed(model: "torch.jit.ScriptModule", images: Tensor) -> Tensor:
    """Points `[n, dimension]`."""
    with torch.inference_mode():
        return torch.cat([model(scaled(part)) for part in images.split(BATCH)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="the folder that holds dataset.json")
    parser.add_argument("model", help="the folder that holds model.pt")
    parser.add_argument("index", help="the folder to be made: faiss_index.bin and faiss_label.json")
    options = parser.parse_args()
    model = torch.jit.load(os.path.join(options.model, "model.pt")).eval()
    images, labels = read_split(options.dataset, "index")
    vectors = embed(model, images).numpy()
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    os.makedirs(options.index)
    faiss.write_index(index, os.path.join(options.index, "faiss_index.bin"))
    with open(os.path.join(options.index, "faiss_label.json"), "w", encoding="utf-8") as file:
        json.dump(labels.tolist(), file)
    print(f"{index.ntotal} vectors of {index.d} dimensions; {accuracy(options.dataset, model, index, labels.tolist())}")


def accuracy(dataset: str, model: "torch.jit.ScriptModule", index: "faiss.Index", labels: List[int]) -> str:
    images, truth = read_split(dataset, "test")
    _, nearest = index.search(embed(model, images).numpy(), 1)
    right = sum(labels[row] == wanted for (row,), wanted in zip(nearest.tolist(), truth.tolist()))
    return f"{right} of {len(truth)} test images right"


if __name__ == "__main__":
    main()
