"""The PyTorch side of bench/training.mjs: obeys one JSON command a line on stdin, answers one a line on stdout.

{"open": folder, "rows": n, "batch": b, "threads": t}  ->  {"torch": version, "kernel": OpenBLAS's}
{"steps": n}                                           ->  {"seconds": s, "cpuSeconds": s, "loss": the last}
"""

import ctypes
import json
import math
import re
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

DIMENSION, CLASSES, SCALE, MARGIN = 128, 10, 30.0, 0.5


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolutions = nn.Sequential(
            *(nn.Conv2d(1, 24, 3, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(24), nn.ReLU()),
            *(nn.Conv2d(24, 48, 3, bias=False), nn.BatchNorm2d(48), nn.ReLU()),
            *(nn.Conv2d(48, 64, 3, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(64), nn.ReLU()),
        )
        self.dense = nn.Sequential(nn.Linear(64 * 4 * 4, DIMENSION, bias=False), nn.BatchNorm1d(DIMENSION))

    def forward(self, images):
        return F.normalize(self.dense(self.convolutions(images.float() / 255).flatten(1)))


def arc_face(embeddings, weight, labels):
    cosines = embeddings @ F.normalize(weight).T
    own = cosines.gather(1, labels[:, None])
    sine = (1 - own * own).clamp(min=1e-6).sqrt()
    turned = own * math.cos(MARGIN) - sine * math.sin(MARGIN)
    wanted = torch.where(own > math.cos(math.pi - MARGIN), turned, own - MARGIN * math.sin(MARGIN))
    return F.cross_entropy(SCALE * cosines.scatter(1, labels[:, None], wanted), labels)


def set_threads(threads):
    """OpenBLAS has threads of its own, which PyTorch does not set. Returns the kernel that OpenBLAS chose."""
    torch.set_num_threads(threads)
    libraries = {line.split()[-1] for line in open("/proc/self/maps") if re.search("openblas|libblas", line)}
    for path in sorted(libraries):
        library = ctypes.CDLL(path)
        if hasattr(library, "openblas_get_corename"):
            library.openblas_set_num_threads(threads)
            library.openblas_get_corename.restype = ctypes.c_char_p
            return library.openblas_get_corename().decode()
    return "none: this PyTorch multiplies by another library"


def first_values(network):
    """As marina's: He for convolutions, LeCun for the rest."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5)


for line in sys.stdin:
    command = json.loads(line)
    if "open" in command:
        folder, rows, batch = command["open"], command["rows"], command["batch"]
        kernel = set_threads(command["threads"])
        torch.manual_seed(1)
        images = torch.from_numpy(np.fromfile(f"{folder}/images.u8", "uint8").reshape(rows, 1, 28, 28))
        labels = torch.from_numpy(np.fromfile(f"{folder}/labels.u8", "uint8").astype("int64"))
        network, weight = Network().train(), nn.Parameter(torch.randn(CLASSES, DIMENSION) / DIMENSION**0.5)
        first_values(network)
        optimizer = torch.optim.Adam([*network.parameters(), weight], lr=1e-3)
        step = 0
        reply = {"torch": torch.__version__, "kernel": kernel}
    else:
        started, cpu = time.perf_counter(), time.process_time()
        for _ in range(command["steps"]):
            first = step % (rows // batch) * batch
            optimizer.zero_grad(set_to_none=True)
            loss = arc_face(network(images[first : first + batch]), weight, labels[first : first + batch])
            loss.backward()
            optimizer.step()
            value = loss.item()
            step += 1
        reply = {
            "seconds": time.perf_counter() - started,
            "cpuSeconds": time.process_time() - cpu,
            "loss": value,
        }
    print(json.dumps(reply), flush=True)
