"""Prints how long a function takes."""

from __future__ import annotations

import functools
import time
from typing import Any, Callable


def timeit(func: Callable[..., Any]) -> Callable[..., Any]:
    """Prints seconds of wall time and of the processor for each call."""

    @functools.wraps(func)
    def timed(*args: Any, **kwargs: Any) -> Any:
        begun, begun_cpu = time.perf_counter(), time.process_time()
        result = func(*args, **kwargs)
        wall, processor = time.perf_counter() - begun, time.process_time() - begun_cpu
        print(f"func: {func.__name__!r} took {wall:2.4f} s, {processor:2.4f} s of them on the processor")
        return result

    return timed
