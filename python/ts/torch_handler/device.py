"""Where a model runs: the GPU that the server gave, or what else this machine's torch offers."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Optional

from ts.torch_handler.requirement import can_import


class Place(NamedTuple):
    """`map_location` is `cuda`, `xpu`, `mps`, `cpu`, or None for XLA; `device` is torch's."""

    map_location: Optional[str]
    device: Any


def choose_place(gpu_id: Optional[int], torch: Any) -> Place:
    """The first that holds: CUDA, Intel's XPU (TS_IPEX_GPU_ENABLE) and Apple's MPS where there is a `gpu_id`, XLA, the CPU."""
    if gpu_id is not None:
        if torch.cuda.is_available():
            _use_tensor_cores(torch)
            return Place("cuda", torch.device(f"cuda:{gpu_id}"))
        if os.environ.get("TS_IPEX_GPU_ENABLE") == "true" and _is_available(getattr(torch, "xpu", None)):
            return Place("xpu", torch.device(f"xpu:{gpu_id}"))
        if _is_available(getattr(torch.backends, "mps", None)):
            return Place("mps", torch.device("mps"))
    if can_import("torch_xla"):
        import torch_xla.core.xla_model as xla

        return Place(None, xla.xla_device())
    return Place("cpu", torch.device("cpu"))


def _is_available(backend: Any) -> bool:
    return backend is not None and backend.is_available()


def _use_tensor_cores(torch: Any) -> None:
    """From Ampere on, float32 products in TF32, as TorchServe has it."""
    if hasattr(torch, "set_float32_matmul_precision") and torch.cuda.get_device_capability() >= (8, 0):
        torch.set_float32_matmul_precision("high")
