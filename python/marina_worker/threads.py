"""The threads of native code: a preloaded parent has none, so that a fork loses none; its workers are given theirs."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import List, Set

# What sets the number of threads in a library that is loaded: a part of the file's name, and its function.
_SETTERS = (
    ("libgomp", "omp_set_num_threads"),
    ("libomp", "omp_set_num_threads"),
    ("libiomp", "omp_set_num_threads"),
    ("openblas", "openblas_set_num_threads"),
    # In the wheels of numpy and scipy; with numbers of 64 bits, the name ends so.
    ("openblas", "openblas_set_num_threads64_"),
    ("openblas", "scipy_openblas_set_num_threads"),
    ("openblas", "scipy_openblas_set_num_threads64_"),
)


def running_threads() -> int:
    """Threads of this process, those of native code included where the system tells (Linux)."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()


def set_threads(count: int) -> None:
    """Gives native code so many threads, after a fork: it read OMP_NUM_THREADS long before."""
    os.environ["OMP_NUM_THREADS"] = str(count)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)
    for path in _loaded_libraries():
        names = [name for part, name in _SETTERS if part in os.path.basename(path)]
        if names:
            _call_each(path, names, count)


def _call_each(path: str, names: List[str], count: int) -> None:
    try:
        library = ctypes.CDLL(path)
    except OSError:  # Its file is gone or closed to us since it was loaded; it keeps the threads that it has.
        return
    for name in names:
        setter = getattr(library, name, None)
        if setter is not None:
            setter(count)


def _loaded_libraries() -> Set[str]:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            return {line.split(maxsplit=5)[5].rstrip("\n") for line in file if ".so" in line}
    except OSError:
        return set()
